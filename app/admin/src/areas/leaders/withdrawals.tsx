import { useTranslation } from 'react-i18next';
import type { Row } from '@/api';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { DataTable, Money, Page, StateTag, Time } from '@/ui';
import { DecideWithdrawal } from './decideWithdrawal';
import { BrandRules, Person, Tabs, useOptions, useWords } from './parts';
import { useMerchants } from './sources';
import { WithdrawalTax } from './withdrawalTax';

type Withdrawal = Row<'/withdrawals'>;

export function Component() {
  const { t } = useTranslation('leaders');
  return (
    <Page title={t('menu.withdrawals')} about={t('withdrawals.about')} watermark>
      <Tabs
        tabs={[
          { key: 'queue', label: t('withdrawals.queue'), content: () => <List key="queue" state="requested" /> },
          { key: 'all', label: t('withdrawals.all'), content: () => <List key="all" /> },
          { key: 'tax', label: t('withdrawals.tax'), content: () => <WithdrawalTax /> },
          { key: 'policy', label: t('withdrawals.policy'), content: () => <Policy /> },
        ]}
      />
    </Page>
  );
}

function List({ state }: { state?: 'requested' }) {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const can = useCan();
  const states = useWords('withdrawalState');
  const options = useOptions('withdrawalState').filter((o) => o.value !== 'paying');
  return (
    <DataTable
      id={state ? 'leaders.withdrawals.queue' : 'leaders.withdrawals'}
      path="/withdrawals"
      enabled={Boolean(brand)}
      params={{ query: { brand_id: brand, ...(state ? { state } : {}) } }}
      to={(w: Withdrawal) => `/leaders/withdrawals/${w.id}`}
      exportAs="withdrawals"
      filters={[
        ...(state ? [] : [{ name: 'state', label: t('people.state'), kind: 'select' as const, options }]),
        { name: 'member_id', label: t('withdrawals.memberID'), kind: 'id' },
      ]}
      columns={[
        { key: 'amount', title: t('withdrawals.amount'), render: (w) => <Money fen={w.amount_fen} /> },
        { key: 'who', title: t('withdrawals.who'), render: (w) => <Person who={w.who} id={w.member_id} /> },
        {
          key: 'tax',
          title: t('withdrawals.taxFen'),
          about: t('withdrawals.taxAbout'),
          render: (w) => <Money fen={w.tax_fen} />,
          align: 'right',
        },
        { key: 'net', title: t('withdrawals.net'), render: (w) => <Money fen={w.net_fen} />, align: 'right' },
        {
          key: 'state',
          title: t('people.state'),
          render: (w) => (
            <StateTag
              state={w.state}
              labels={states}
              tone={
                w.state === 'requested'
                  ? 'orange'
                  : w.state === 'paid'
                    ? 'green'
                    : w.state === 'approved'
                      ? 'blue'
                      : undefined
              }
            />
          ),
        },
        { key: 'at', title: t('withdrawals.at'), render: (w) => <Time at={w.created_at} /> },
        { key: 'reason', title: t('form.reason'), render: (w) => w.reason || '—' },
      ]}
      actions={
        can('withdrawal:approve')
          ? (w) => (w.state === 'requested' ? <DecideWithdrawal w={w} small /> : null)
          : undefined
      }
      refetchInterval={state ? 30_000 : false}
      empty={{
        title: t(state ? 'withdrawals.emptyQueue' : 'withdrawals.empty'),
        text: t('withdrawals.emptyText'),
        example: t('withdrawals.example'),
      }}
    />
  );
}

function Policy() {
  const { t } = useTranslation('leaders');
  const merchants = useMerchants();
  return (
    <BrandRules
      path="/brands/{id}/withdrawal-policy"
      permission="withdrawal:policy"
      object="withdrawal_policy"
      title={t('withdrawals.policy')}
      about={t('withdrawalPolicy.about')}
      rules={[
        {
          name: 'account_id',
          label: t('withdrawalPolicy.account'),
          kind: 'select',
          options: merchants,
          help: t('withdrawalPolicy.accountHelp'),
        },
        { name: 'min_fen', label: t('withdrawalPolicy.min'), kind: 'money' },
        { name: 'max_fen', label: t('withdrawalPolicy.max'), kind: 'money', help: t('withdrawalPolicy.maxHelp') },
        { name: 'per_day', label: t('withdrawalPolicy.perDay'), kind: 'number', min: 1, max: 10 },
        {
          name: 'auto_approve_below_fen',
          label: t('withdrawalPolicy.auto'),
          kind: 'money',
          help: t('withdrawalPolicy.autoHelp'),
        },
        {
          name: 'tax',
          label: t('withdrawalPolicy.tax'),
          kind: 'select',
          options: useOptions('taxKind'),
          help: t('withdrawalPolicy.taxHelp'),
        },
        {
          name: 'tax_bp',
          label: t('withdrawalPolicy.taxBP'),
          kind: 'number',
          min: 0,
          max: 4500,
          help: t('withdrawalPolicy.taxBPHelp'),
          when: (v) => v.tax === 'fixed',
        },
        {
          name: 'job_type',
          label: t('withdrawalPolicy.job'),
          kind: 'text',
          max: 32,
          help: t('withdrawalPolicy.jobHelp'),
        },
      ]}
    />
  );
}
