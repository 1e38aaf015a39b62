import { useTranslation } from 'react-i18next';
import { type Row, useGet, useList } from '@/api';
import { useBrandID } from '@/app/brand';
import { spoken } from '@/i18n/server';
import { DataTable, dayText, formatCount, Money, Page, StatCards, StateTag, Time } from '@/ui';
import { BrandRules, Person, Tabs, useOptions, useWords } from './parts';

type Accrual = Row<'/commission/accruals'>;
type Statement = Row<'/commission/statements'>;

export function Component() {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const { data, dataUpdatedAt } = useGet('/commission/owed', {
    params: { query: { brand_id: brand } },
    enabled: Boolean(brand),
  });
  return (
    <Page title={t('menu.commission')} about={t('commission.about')} watermark asOf={dataUpdatedAt || null}>
      {data ? (
        <StatCards
          items={[
            {
              key: 'frozen',
              title: t('accrualState.frozen'),
              value: <Money fen={data.frozen_fen} />,
              about: t('owed.frozen'),
            },
            {
              key: 'held',
              title: t('accrualState.held'),
              value: <Money fen={data.suspicious_fen} />,
              about: t('owed.held'),
              tone: data.suspicious_fen > 0 ? 'warn' : undefined,
              to: '/leaders/fraud',
            },
            {
              key: 'released',
              title: t('accrualState.released'),
              value: <Money fen={data.released_fen} />,
              about: t('owed.released'),
            },
            {
              key: 'available',
              title: t('owed.availableTitle'),
              value: <Money fen={data.available_fen} />,
              about: t('owed.available'),
              note: t('owed.earners', { n: formatCount(data.earners) }),
            },
            {
              key: 'out',
              title: t('owed.withdrawingTitle'),
              value: <Money fen={data.withdrawing_fen} />,
              to: '/leaders/withdrawals',
            },
            { key: 'debt', title: t('owed.debtTitle'), value: <Money fen={data.debt_fen} />, about: t('owed.debt') },
            { key: 'points', title: t('owed.pointsTitle'), value: formatCount(data.points) },
          ]}
        />
      ) : null}
      <Tabs
        tabs={[
          { key: 'accruals', label: t('commission.accruals'), content: () => <Accruals /> },
          { key: 'statements', label: t('commission.statements'), content: () => <Statements /> },
          { key: 'policy', label: t('commission.policy'), content: () => <Policy /> },
        ]}
      />
    </Page>
  );
}

/** Amount is fen or points, as the accrual pays. */
export function Amount({ pay, n }: { pay: string; n: number }) {
  const { t } = useTranslation('leaders');
  return pay === 'points' ? <span className="nums">{t('points', { n: formatCount(n) })}</span> : <Money fen={n} />;
}

/** The columns that every list of accruals has. */
export function useAccrualColumns() {
  const { t } = useTranslation('leaders');
  const states = useWords('accrualState');
  return [
    { key: 'earner', title: t('commission.earner'), render: (a: Accrual) => a.earner.name },
    {
      key: 'amount',
      title: t('commission.amount'),
      align: 'right' as const,
      render: (a: Accrual) => <Amount pay={a.pay} n={a.amount} />,
    },
    {
      key: 'clawed',
      title: t('commission.clawed'),
      align: 'right' as const,
      render: (a: Accrual) => (a.clawed ? <Amount pay={a.pay} n={a.clawed} /> : '—'),
    },
    {
      key: 'state',
      title: t('people.state'),
      render: (a: Accrual) => <StateTag state={a.state} labels={states} tone={accrualTone(a.state)} />,
    },
    {
      key: 'trigger',
      title: t('commission.trigger'),
      render: (a: Accrual) => `${t(`trigger.${a.trigger}`)} · ${t(`level.${a.level}`)}`,
    },
    {
      key: 'referee',
      title: t('commission.referee'),
      render: (a: Accrual) => <Person who={a.referee} id={a.referee_id} />,
    },
    { key: 'day', title: t('commission.day'), render: (a: Accrual) => dayText(a.day) },
    { key: 'release', title: t('commission.releaseAt'), render: (a: Accrual) => <Time at={a.release_at} /> },
    { key: 'reason', title: t('commission.note'), render: (a: Accrual) => spoken(a.reason) || '—' },
  ];
}

export function accrualTone(state: string): 'blue' | 'orange' | 'green' | 'red' | 'grey' {
  return (
    ({ frozen: 'blue', held: 'orange', released: 'blue', settled: 'green', clawed: 'red' } as const)[state] ?? 'grey'
  );
}

function Accruals() {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const columns = useAccrualColumns();
  const rules = useList('/commission/rules', {
    params: { query: { brand_id: brand, limit: '100' } },
    enabled: Boolean(brand),
  });
  return (
    <DataTable
      id="leaders.accruals"
      path="/commission/accruals"
      enabled={Boolean(brand)}
      params={{ query: { brand_id: brand } }}
      to={(a: Accrual) => `/leaders/commission/accruals/${a.id}`}
      exportAs="commission_accruals"
      filters={[
        { name: 'state', label: t('people.state'), kind: 'select', options: useOptions('accrualState') },
        { name: 'pay', label: t('commission.pay'), kind: 'select', options: useOptions('pay') },
        { name: 'made', label: t('commission.made'), kind: 'range' },
        {
          name: 'rule_id',
          label: t('commission.rule'),
          kind: 'select',
          options: rules.data
            ? (rules.data.data ?? []).map((r) => ({ value: r.id ?? '', label: r.terms.name }))
            : undefined,
        },
        { name: 'earner_id', label: t('commission.earnerID'), kind: 'id' },
        { name: 'referee_id', label: t('commission.refereeID'), kind: 'id' },
      ]}
      columns={columns}
      empty={{ title: t('commission.empty'), text: t('commission.emptyText'), example: t('commission.example') }}
    />
  );
}

function Statements() {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  return (
    <DataTable
      id="leaders.statements"
      path="/commission/statements"
      exportAs="commission_statements"
      enabled={Boolean(brand)}
      params={{ query: { brand_id: brand } }}
      to={(s: Statement) => `/leaders/commission/statements/${s.id}`}
      filters={[{ name: 'earner_id', label: t('commission.earnerID'), kind: 'id' }]}
      columns={[
        { key: 'number', title: t('statement.number'), render: (s) => s.number },
        { key: 'earner', title: t('commission.earner'), render: (s) => <Person who={s.earner} id={s.earner_id} /> },
        {
          key: 'cycle',
          title: t('statement.cycle'),
          render: (s) => `${dayText(s.from_day)} ~ ${dayText(s.until_day)}`,
        },
        { key: 'entries', title: t('statement.entries'), align: 'right', render: (s) => formatCount(s.entries) },
        { key: 'gross', title: t('statement.gross'), align: 'right', render: (s) => <Money fen={s.gross_fen} /> },
        { key: 'clawed', title: t('commission.clawed'), align: 'right', render: (s) => <Money fen={s.clawed_fen} /> },
        { key: 'net', title: t('statement.net'), align: 'right', render: (s) => <Money fen={s.net_fen} /> },
        { key: 'points', title: t('statement.points'), align: 'right', render: (s) => formatCount(s.net_points) },
        { key: 'closed', title: t('statement.closed'), render: (s) => <Time at={s.closed_at} /> },
      ]}
      empty={{ title: t('statement.empty'), text: t('statement.emptyText'), example: t('statement.example') }}
    />
  );
}

function Policy() {
  const { t } = useTranslation('leaders');
  return (
    <BrandRules
      path="/brands/{id}/commission-policy"
      permission="commission:write"
      object="commission_policy"
      title={t('commission.policy')}
      about={t('commissionPolicy.about')}
      withReason
      rules={[
        { name: 'kind', label: t('commissionPolicy.kind'), kind: 'select', options: useOptions('cycle') },
        {
          name: 'settle_day',
          label: t('commissionPolicy.day'),
          kind: 'number',
          min: 1,
          max: 28,
          help: t('commissionPolicy.dayHelp'),
        },
      ]}
    />
  );
}
