import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '@/api';
import { Can, formatCount, Section, StateTag, Table, Time } from '@/ui';
import type { Flow } from './batch';
import { type Acting, RangeForm } from './RangeForm';
import { useWords } from './words';

type Batch = { id: string; name: string; count: number };
type Preset = { state: Acting; from: number; to: number };

const tones = { issued: 'grey', activated: 'green', recalled: 'orange', voided: 'red', revoked: 'grey' } as const;

/** Ranges are the states of the serials now, and what was declared of them. */
export function Ranges({ batch, planned }: { batch: Batch; planned: Flow['planned'] }) {
  const { t } = useTranslation('goods');
  const words = useWords('codeState');
  const acts = useWords('range.acts');
  const [preset, setPreset] = useState<Preset | null>(null);
  const params = { path: { id: batch.id } };
  const states = useGet('/batches/{id}/states', { params });
  const ranges = useGet('/batches/{id}/ranges', { params });
  const span = (x: { from_serial: number; until_serial: number }) =>
    `${formatCount(x.from_serial)} – ${formatCount(x.until_serial - 1)}`;
  const waits = new Set(planned.map((p) => p.id));
  const act = (state: Acting, x: { from_serial: number; until_serial: number }) =>
    setPreset({ state, from: x.from_serial, to: x.until_serial - 1 });
  return (
    <Section title={t('range.section')}>
      <Table
        label={t('range.now_title')}
        rows={states.data ?? []}
        loading={states.isPending}
        rowKey={(s) => String(s.from_serial)}
        columns={[
          { key: 'span', title: t('range.serials'), render: (s) => <span className="nums">{span(s)}</span> },
          {
            key: 'count',
            title: t('batch.count'),
            align: 'right',
            render: (s) => formatCount(s.until_serial - s.from_serial),
          },
          {
            key: 'state',
            title: t('state'),
            render: (s) => <StateTag state={s.state} labels={words} tone={tones[s.state as keyof typeof tones]} />,
          },
          { key: 'since', title: t('range.since'), render: (s) => <Time at={s.since} /> },
          { key: 'reason', title: t('reason'), render: (s) => s.reason || '—' },
        ]}
        actions={(s) =>
          s.state === 'voided' ? null : (
            <Can do="code:write">
              {s.state === 'activated' ? (
                <>
                  <Button type="link" size="small" onClick={() => act('revoked', s)}>
                    {acts.revoked}
                  </Button>
                  <Button type="link" size="small" danger onClick={() => act('recalled', s)}>
                    {acts.recalled}
                  </Button>
                </>
              ) : (
                <Button type="link" size="small" onClick={() => act('activated', s)}>
                  {acts.activated}
                </Button>
              )}
              <Button type="link" size="small" danger onClick={() => act('voided', s)}>
                {acts.voided}
              </Button>
            </Can>
          )
        }
      />
      <h3 style={{ fontSize: 14, margin: '20px 0 8px' }}>{t('range.history')}</h3>
      <Table
        label={t('range.history')}
        rows={[...(ranges.data ?? [])].reverse()}
        loading={ranges.isPending}
        empty={t('range.none')}
        columns={[
          {
            key: 'act',
            title: t('range.act'),
            render: (r) => <StateTag state={r.state} labels={acts} tone={tones[r.state as keyof typeof tones]} />,
          },
          { key: 'span', title: t('range.serials'), render: (r) => <span className="nums">{span(r)}</span> },
          {
            key: 'count',
            title: t('batch.count'),
            align: 'right',
            render: (r) => formatCount(r.until_serial - r.from_serial),
          },
          {
            key: 'at',
            title: t('range.effective'),
            render: (r) => (
              <>
                <Time at={r.effective_at} /> {waits.has(r.id) ? <StateTag state="scheduled" /> : null}
              </>
            ),
          },
          { key: 'declared', title: t('range.declared'), render: (r) => <Time at={r.created_at} /> },
          { key: 'by', title: t('who'), render: (r) => r.by || '—' },
          { key: 'reason', title: t('reason'), render: (r) => r.reason || '—' },
        ]}
      />
      {preset ? <RangeForm batch={batch} open onClose={() => setPreset(null)} preset={preset} /> : null}
    </Section>
  );
}
