import { Button, Segmented, Timeline } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { useGet } from '@/api';
import { useCan } from '@/app/session';
import { AskMember } from '@/areas/audience/AskMember';
import { sentence } from '@/i18n/server';
import { Broken, Section, Table, Time } from '@/ui';
import type { Push } from './draft';
import { DeliveryState, deliveryStates, useArmName } from './state';

/** People lists each copy with what became of it, and tells of one member what was decided. */
export function People({ p }: { p: Push }) {
  return (
    <>
      <Why p={p} />
      <Deliveries p={p} />
    </>
  );
}

function Why({ p }: { p: Push }) {
  const { t } = useTranslation('pushes');
  const [search, setSearch] = useSearchParams();
  const member = search.get('member') ?? '';
  const found = useGet('/pushes/{id}/why', {
    params: { path: { id: p.id }, query: { member_id: member } },
    enabled: member !== '',
  });
  const w = found.data;
  return (
    <Section title={t('trace.title')}>
      <AskMember
        required
        member={member}
        busy={found.isFetching}
        error={found.error}
        ask={(of) =>
          setSearch((old) => {
            const next = new URLSearchParams(old);
            next.set('member', of);
            return next;
          })
        }
      />
      {w ? (
        <div style={{ marginTop: 12 }}>
          <p>
            <strong>{t(w.got ? 'trace.got' : w.delivery?.state === 'unknown' ? 'trace.perhaps' : 'trace.not')}</strong>
          </p>
          <Timeline
            items={w.steps.map((s) => ({
              content: (
                <>
                  {sentence(s.said)} <span className="muted">{s.at ? <Time at={s.at} /> : null}</span>
                </>
              ),
            }))}
          />
          <Link to={`/pushes/reach?tab=someone&member=${w.member_id}`}>{t('trace.now')}</Link>
        </div>
      ) : null}
    </Section>
  );
}

const pageSize = 50;

function Deliveries({ p }: { p: Push }) {
  const { t } = useTranslation('pushes');
  const may = useCan()('member:read');
  const arm = useArmName();
  const [search, setSearch] = useSearchParams();
  const [behind, setBehind] = useState<string[]>([]);
  const of = search.get('of') ?? 'sent';
  const found = useGet('/pushes/{id}/deliveries', {
    params: {
      path: { id: p.id },
      query: {
        state: of as (typeof deliveryStates)[number],
        limit: String(pageSize),
        ...(behind.length > 0 ? { after: behind.at(-1) } : {}),
      },
    },
    keep: true,
  });
  if (found.error && !found.data) return <Broken error={found.error} again={() => void found.refetch()} />;
  const rows = found.data ?? [];
  return (
    <Section title={t('people.title')}>
      <div className="push-scroll">
        <Segmented
          aria-label={t('field.state')}
          value={of}
          onChange={(v) => {
            setBehind([]);
            setSearch((old) => {
              const next = new URLSearchParams(old);
              next.set('of', String(v));
              return next;
            });
          }}
          options={deliveryStates.map((value) => ({ value, label: t(`delivery.${value}`) }))}
        />
      </div>
      <Table
        label={t('people.title')}
        rows={rows}
        loading={found.isPending}
        columns={[
          {
            key: 'member',
            title: t('someone.member'),
            render: (d) => (may ? <Link to={`/members/${d.member_id}`}>{d.member_id}</Link> : d.member_id),
          },
          { key: 'arm', title: t('report.group'), render: (d) => arm(d) },
          {
            key: 'channel',
            title: t('reach.way'),
            render: (d) => (d.channel ? t(`channel.${d.channel}`, { defaultValue: d.channel }) : '—'),
          },
          { key: 'state', title: t('field.state'), render: (d) => <DeliveryState state={d.state} /> },
          { key: 'words', title: t('detail.outcome'), render: (d) => (d.words ? sentence(d.said) : '—') },
          { key: 'at', title: t('someone.at'), width: 170, render: (d) => <Time at={d.moved_at} /> },
        ]}
        actions={(d) => (
          <Button
            type="link"
            size="small"
            onClick={() =>
              setSearch((old) => {
                const next = new URLSearchParams(old);
                next.set('member', d.member_id ?? '');
                return next;
              })
            }
          >
            {t('trace.ask')}
          </Button>
        )}
        empty={t('people.none')}
      />
      <div className="page-actions" style={{ marginTop: 12 }}>
        {behind.length > 0 ? (
          <Button onClick={() => setBehind((b) => b.slice(0, -1))}>{t('people.back')}</Button>
        ) : null}
        {rows.length === pageSize ? (
          <Button onClick={() => setBehind((b) => [...b, rows.at(-1)?.id ?? ''])}>{t('people.next')}</Button>
        ) : null}
      </div>
    </Section>
  );
}
