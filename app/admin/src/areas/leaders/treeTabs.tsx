import { Alert, Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Row, useGet, useList } from '@/api';
import { addressOf } from '@/api/client';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import {
  Broken,
  Can,
  DataTable,
  Detail,
  Empty,
  formatCount,
  JobProgress,
  Money,
  Section,
  StateTag,
  Table,
  Time,
} from '@/ui';
import { Act, BrandRules, Person, useOptions, useWords } from './parts';

type Binding = Row<'/referral/bindings'>;

/** Bindings is who brought whom, now and before. */
export function Bindings() {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const states = useWords('bindingState');
  const channels = useWords('channel');
  return (
    <DataTable
      id="leaders.bindings"
      path="/referral/bindings"
      enabled={Boolean(brand)}
      params={{ query: { brand_id: brand } }}
      filters={[
        { name: 'state', label: t('people.state'), kind: 'select', options: useOptions('bindingState') },
        { name: 'member_id', label: t('tree.refereeID'), kind: 'id' },
        { name: 'referrer_id', label: t('fraud.referrerID'), kind: 'id' },
      ]}
      columns={[
        { key: 'member', title: t('tree.referee'), render: (b: Binding) => <Person who={b.member} id={b.member_id} /> },
        { key: 'referrer', title: t('fraud.referrer'), render: (b) => <Person who={b.referrer} id={b.referrer_id} /> },
        { key: 'state', title: t('people.state'), render: (b) => <StateTag state={b.state} labels={states} /> },
        { key: 'channel', title: t('tree.channel'), render: (b) => channels[b.channel] ?? b.channel },
        { key: 'bound', title: t('tree.boundAt'), render: (b) => <Time at={b.bound_at} /> },
        {
          key: 'until',
          title: t('tree.protected'),
          about: t('tree.protectedAbout'),
          render: (b) => <Time at={b.protected_until} />,
        },
        {
          key: 'expires',
          title: t('tree.expires'),
          render: (b) => (b.expires_at ? <Time at={b.expires_at} /> : t('tree.never')),
        },
        { key: 'ended', title: t('tree.endedAt'), render: (b) => <Time at={b.ended_at} /> },
        { key: 'reason', title: t('form.reason'), render: (b) => b.ended_reason || b.reason || '—' },
      ]}
      empty={{ title: t('tree.empty'), text: t('tree.emptyText'), example: t('tree.example') }}
    />
  );
}

/** Watch is what a compliance officer looks at: deep and wide trees. */
export function Watch() {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const [stack, setStack] = useState<string[]>([]);
  const after = stack.at(-1) ?? '';
  const { data, error, isPending, refetch } = useList('/referral/watch', {
    params: { query: { brand_id: brand, limit: '20', ...(after ? { after } : {}) } },
    enabled: Boolean(brand),
  });
  if (error && !data) return <Broken error={error} again={() => void refetch()} />;
  return (
    <Section>
      <Alert type="info" style={{ marginBottom: 12 }} title={t('watch.about')} />
      <Table
        loading={isPending}
        rows={data?.data ?? []}
        rowKey={(w) => w.member_id ?? ''}
        to={(w) => `/leaders/tree?member=${w.member_id}`}
        columns={[
          { key: 'who', title: t('fraud.referrer'), render: (w) => w.who.name },
          { key: 'levels', title: t('watch.levels'), align: 'right', render: (w) => w.levels },
          { key: 'people', title: t('watch.people'), align: 'right', render: (w) => formatCount(w.people) },
          { key: 'direct', title: t('leader.direct'), align: 'right', render: (w) => formatCount(w.direct) },
          { key: 'sales', title: t('tree.sales'), align: 'right', render: (w) => <Money fen={w.team_sales_fen} /> },
          { key: 'why', title: t('watch.why'), render: (w) => w.why },
        ]}
        empty={<Empty title={t('watch.empty')} text={t('watch.emptyText')} />}
      />
      {stack.length > 0 || data?.next ? (
        <div className="table-foot">
          <span />
          <div className="page-actions">
            <Button disabled={stack.length === 0} onClick={() => setStack(stack.slice(0, -1))}>
              {t('page.previous')}
            </Button>
            <Button disabled={!data?.next} onClick={() => data?.next && setStack([...stack, data.next])}>
              {t('page.next')}
            </Button>
          </div>
        </div>
      ) : null}
    </Section>
  );
}

/** Exports are lists of people that somebody asked for, with a reason. */
export function Exports() {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const can = useCan();
  return (
    <DataTable
      id="leaders.exports"
      path="/referral/exports"
      enabled={Boolean(brand)}
      params={{ query: { brand_id: brand } }}
      refetchInterval={5000}
      columns={[
        { key: 'who', title: t('exports.whose'), render: (x) => <Person who={x.who} id={x.member_id} /> },
        {
          key: 'progress',
          title: t('exports.progress'),
          render: (x) => (
            <JobProgress
              state={x.state === 'ready' ? 'done' : x.state === 'expired' ? 'expired' : 'running'}
              done={x.done}
              total={x.total}
            />
          ),
        },
        { key: 'reason', title: t('form.reason'), render: (x) => x.reason },
        { key: 'asked', title: t('withdrawals.at'), render: (x) => <Time at={x.created_at} /> },
        { key: 'expires', title: t('exports.expires'), render: (x) => <Time at={x.expires_at} /> },
      ]}
      actions={
        can('referral:export')
          ? (x) =>
              x.state === 'ready' ? (
                <Button
                  type="link"
                  size="small"
                  href={addressOf('/referral/exports/{id}/file', { path: { id: x.id } })}
                  download
                >
                  {t('exports.download')}
                </Button>
              ) : null
          : undefined
      }
      empty={{ title: t('exports.empty'), text: t('exports.emptyText'), example: t('exports.example') }}
    />
  );
}

/** Checking holds the counters against the rows they were counted from. */
export function Checking() {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const { data: c } = useGet('/referral/check', {
    params: { query: { brand_id: brand } },
    enabled: Boolean(brand),
    refetchInterval: 5000,
  });
  const tally = (x: { direct: number; team_size: number; team_claims: number; team_sales_fen: number }) =>
    t('check.tally', {
      direct: x.direct,
      team: x.team_size,
      claims: x.team_claims,
      sales: (x.team_sales_fen / 100).toFixed(2),
    });
  return (
    <>
      <Section
        title={t('check.title')}
        extra={
          <Can do="referral:write">
            <Act
              method="post"
              path="/referral/check"
              danger={false}
              reason
              body={(v) => ({ brand_id: brand, reason: v.reason })}
              invalidate={['/referral/check']}
              done={t('check.started')}
              trigger={<Button disabled={c?.state === 'running'}>{t('check.start')}</Button>}
              title={t('check.startTitle')}
              consequence={t('check.startText')}
            />
          </Can>
        }
      >
        <p className="muted">{t('check.about')}</p>
        <Detail
          items={[
            {
              label: t('people.state'),
              value: (
                <StateTag
                  state={c?.state === 'done' ? 'done' : c?.state || 'never'}
                  labels={{ never: t('check.never') }}
                />
              ),
            },
            { label: t('check.checked'), value: formatCount(c?.checked) },
            { label: t('check.repaired'), value: formatCount(c?.repaired) },
            {
              label: t('check.misplaced'),
              value: c?.misplaced ? <strong style={{ color: '#cf1322' }}>{formatCount(c.misplaced)}</strong> : '0',
            },
            { label: t('check.begun'), value: <Time at={c?.started_at} /> },
            { label: t('check.finished'), value: <Time at={c?.finished_at} /> },
          ]}
        />
      </Section>
      <DataTable
        id="leaders.repairs"
        path="/referral/repairs"
        enabled={Boolean(brand)}
        params={{ query: { brand_id: brand } }}
        to={(r) => `/leaders/tree?member=${r.member_id}`}
        columns={[
          { key: 'm', title: t('people.member'), render: (r) => r.member_id },
          { key: 'was', title: t('check.was'), render: (r) => tally(r.was) },
          { key: 'put', title: t('check.put'), render: (r) => tally(r.put) },
          { key: 'at', title: t('accrual.at'), render: (r) => <Time at={r.created_at} /> },
        ]}
        empty={{ title: t('check.noRepairs'), text: t('check.noRepairsText') }}
      />
    </>
  );
}

export function Policy() {
  const { t } = useTranslation('leaders');
  const days = t('unit.days');
  return (
    <BrandRules
      path="/brands/{id}/referral-policy"
      permission="referral:write"
      object="referral_policy"
      title={t('tree.policy')}
      about={t('referralPolicy.about')}
      withReason
      rules={[
        {
          name: 'protect_days',
          label: t('referralPolicy.protect'),
          kind: 'number',
          min: 0,
          max: 3650,
          unit: days,
          help: t('referralPolicy.protectHelp'),
        },
        {
          name: 'valid_days',
          label: t('referralPolicy.valid'),
          kind: 'number',
          min: 0,
          max: 3650,
          unit: days,
          help: t('referralPolicy.validHelp'),
        },
        {
          name: 'existing',
          label: t('referralPolicy.existing'),
          kind: 'select',
          options: useOptions('existing'),
          help: t('referralPolicy.existingHelp'),
        },
        {
          name: 'new_minutes',
          label: t('referralPolicy.newMinutes'),
          kind: 'number',
          min: 0,
          unit: t('unit.minutes'),
          when: (v) => v.existing === 'never_seen',
        },
        {
          name: 'takeover',
          label: t('referralPolicy.takeover'),
          kind: 'switch',
          help: t('referralPolicy.takeoverHelp'),
        },
      ]}
    />
  );
}
