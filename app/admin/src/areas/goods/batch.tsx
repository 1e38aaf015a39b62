import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { type Data, useGet } from '@/api';
import { Broken, Can, Copy, Detail, formatCount, Page, Section, StatCards, StateTag, Time, Trail, Waiting } from '@/ui';
import { NextStep } from './NextStep';
import { Packs } from './Packs';
import { RangeForm } from './RangeForm';
import { Ranges } from './Ranges';
import { SampleCode } from './SampleCode';
import { Stepper } from './Stepper';
import { Territories } from './Territories';
import { useWords } from './words';

export type Flow = Data<'get', '/batch-requests/{id}/flow'>;

export function Component() {
  const { t } = useTranslation('goods');
  const { id = '' } = useParams();
  const [acting, setActing] = useState(false);
  const [rest, setRest] = useState<{ state: 'activated'; from: number; to: number }>();
  const requestStates = useWords('request.states');
  const kinds = useWords('pack.kinds');
  const {
    data: f,
    error,
    refetch,
  } = useGet('/batch-requests/{id}/flow', {
    params: { path: { id } },
    refetchInterval: 3000,
  });
  const states = useGet('/batches/{id}/states', { params: { path: { id } }, enabled: Boolean(f?.batch) });
  // What is left to activate, where that is one piece: "all" would be refused for the voided ones.
  const activate = () => {
    const issued = (states.data ?? []).filter((s) => s.state === 'issued');
    const [left] = issued;
    const part = issued.length === 1 && left && left.until_serial - left.from_serial < (f?.batch?.count ?? 0);
    setRest(part ? { state: 'activated', from: left.from_serial, to: left.until_serial - 1 } : undefined);
    setActing(true);
  };
  const trail = [{ title: t('menu.batches'), to: '/goods/batches' }];
  if (error && !f)
    return (
      <Page title={t('menu.batches')} trail={trail}>
        <Broken error={error} again={() => void refetch()} />
      </Page>
    );
  if (!f)
    return (
      <Page title={t('menu.batches')} trail={trail}>
        <Waiting />
      </Page>
    );
  const r = f.request;
  const name = f.batch?.name ?? r?.name ?? '';
  const productID = f.batch?.product_id ?? r?.product_id;
  return (
    <Page
      title={name}
      tab={name}
      trail={trail}
      tag={r && r.state !== 'approved' ? <StateTag state={r.state} labels={requestStates} /> : undefined}
      actions={
        f.batch ? (
          <>
            <Can do="code:sample">
              <SampleCode batch={f.batch.id} count={f.batch.count} />
            </Can>
            <Can do="code:write">
              <Button
                onClick={() => {
                  setRest(undefined);
                  setActing(true);
                }}
              >
                {t('range.open')}
              </Button>
            </Can>
          </>
        ) : undefined
      }
    >
      <Section>
        <Stepper flow={f} />
        <NextStep flow={f} onActivate={activate} />
      </Section>
      {f.batch ? <Numbers flow={f} /> : null}
      <Section title={t('batch.facts')}>
        <Detail
          items={[
            {
              label: t('batch.product'),
              value: productID ? <Link to={`/goods/products/${productID}`}>{f.product}</Link> : f.product,
            },
            { label: t('batch.count'), value: formatCount(f.batch?.count ?? r?.count ?? 0) },
            { label: t('batch.number'), value: <Copy text={f.id} /> },
            r && { label: t('request.purpose'), value: r.purpose },
            r && { label: t('request.supplier'), value: r.supplier },
            r && { label: t('pack.kind'), value: kinds[r.kind] },
            r && {
              label: t('request.asker'),
              value: (
                <>
                  {f.logins[r.asked_by ?? ''] ?? '—'} · <Time at={r.created_at} />
                </>
              ),
            },
            r?.decided_at
              ? {
                  label: r.state === 'withdrawn' ? t('request.withdrawnBy') : t('request.decider'),
                  value: (
                    <>
                      {f.logins[r.decided_by ?? ''] ?? '—'} · <Time at={r.decided_at} />
                    </>
                  ),
                }
              : null,
            r?.note ? { label: t('request.note'), value: r.note } : null,
            f.batch && { label: t('batch.slot'), value: f.batch.slot },
            !r && f.batch ? { label: t('created'), value: <Time at={f.batch.created_at} /> } : null,
          ]}
        />
      </Section>
      {f.batch ? (
        <>
          <Packs flow={f} />
          <Ranges batch={f.batch} planned={f.planned} />
          <Territories flow={f} batch={f.batch} />
        </>
      ) : null}
      <Trail object="batch" id={f.id} />
      {f.batch ? <RangeForm batch={f.batch} open={acting} onClose={() => setActing(false)} preset={rest} /> : null}
    </Page>
  );
}

/** Numbers of the codes by state, and of those that were seen. */
function Numbers({ flow }: { flow: Flow }) {
  const { t } = useTranslation('goods');
  const states = useWords('codeState');
  const n = (state: string) => formatCount(flow.counts[state] ?? 0);
  const planned = flow.planned[0];
  return (
    <StatCards
      items={[
        {
          key: 'issued',
          title: states.issued ?? '',
          value: n('issued'),
          note: planned ? (
            <>
              {t('range.plannedFor')} <Time at={planned.effective_at} />
            </>
          ) : undefined,
        },
        { key: 'activated', title: states.activated ?? '', value: n('activated') },
        {
          key: 'firsts',
          title: t('batch.firsts'),
          value: formatCount(flow.seen.firsts),
          about: t('batch.firstsAbout'),
          to: `/goods/map?batch_id=${flow.id}`,
        },
        { key: 'scans', title: t('batch.scans'), value: formatCount(flow.seen.scans), about: t('batch.scansAbout') },
        ...(flow.counts.recalled
          ? [{ key: 'recalled', title: states.recalled ?? '', value: n('recalled'), tone: 'warn' as const }]
          : []),
        ...(flow.counts.voided ? [{ key: 'voided', title: states.voided ?? '', value: n('voided') }] : []),
      ]}
    />
  );
}
