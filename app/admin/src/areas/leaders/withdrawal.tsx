import { Timeline } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { useGet } from '@/api';
import { useCan } from '@/app/session';
import {
  Broken,
  Can,
  Copy,
  Detail,
  Money,
  Page,
  Section,
  StatCards,
  StateTag,
  Table,
  Time,
  Trail,
  Waiting,
} from '@/ui';
import { DecideWithdrawal } from './decideWithdrawal';
import { Person, useWords } from './parts';

export function Component() {
  const { t } = useTranslation('leaders');
  const { id = '' } = useParams();
  const can = useCan();
  const states = useWords('withdrawalState');
  const payoutStates = useWords('payoutState');
  const {
    data: w,
    error,
    refetch,
  } = useGet('/withdrawals/{id}', {
    params: { path: { id } },
    refetchInterval: 15_000,
  });
  if (error && !w) return <Broken error={error} again={() => void refetch()} />;
  if (!w) return <Waiting />;
  return (
    <Page
      title={t('withdrawal.title', { name: w.who.name })}
      tag={
        <StateTag
          state={w.state}
          labels={states}
          tone={w.state === 'requested' ? 'orange' : w.state === 'paid' ? 'green' : undefined}
        />
      }
      trail={[{ title: t('menu.withdrawals'), to: '/leaders/withdrawals' }]}
      watermark
      actions={
        w.state === 'requested' ? (
          <Can do="withdrawal:approve">
            <DecideWithdrawal w={w} />
          </Can>
        ) : null
      }
    >
      <StatCards
        items={[
          { key: 'amount', title: t('withdrawals.amount'), value: <Money fen={w.amount_fen} /> },
          { key: 'tax', title: t('withdrawals.taxFen'), value: <Money fen={w.tax_fen} />, note: w.tax_note },
          { key: 'net', title: t('withdrawals.net'), value: <Money fen={w.net_fen} /> },
        ]}
      />
      <Section title={t('withdrawal.facts')}>
        <Detail
          items={[
            { label: t('withdrawals.who'), value: <Person who={w.who} id={w.member_id} /> },
            { label: t('withdrawals.at'), value: <Time at={w.created_at} /> },
            { label: t('withdrawal.decided'), value: <Time at={w.decided_at} /> },
            { label: t('withdrawal.finished'), value: <Time at={w.finished_at} /> },
            { label: t('form.reason'), value: w.reason },
            { label: t('withdrawals.number'), value: <Copy text={w.id} /> },
          ]}
        />
      </Section>
      <Section title={t('withdrawal.parts')}>
        <p className="muted">{t('withdrawal.partsAbout')}</p>
        <Table
          rows={w.parts}
          rowKey={(p) => p.account_id ?? ''}
          columns={[
            { key: 'a', title: t('withdrawal.account'), render: (p) => <Copy text={p.account_id ?? ''} /> },
            { key: 'm', title: t('withdrawals.amount'), align: 'right', render: (p) => <Money fen={p.amount_fen} /> },
            { key: 't', title: t('withdrawals.taxFen'), align: 'right', render: (p) => <Money fen={p.tax_fen} /> },
          ]}
          empty={t('withdrawal.noParts')}
        />
      </Section>
      {w.payout ? (
        <Section
          title={t('withdrawal.payout')}
          extra={
            can('payout:read') ? <Link to={`/money/payouts/${w.payout.id}`}>{t('withdrawal.toPayout')}</Link> : null
          }
        >
          <Detail
            items={[
              { label: t('people.state'), value: <StateTag state={w.payout.state} labels={payoutStates} /> },
              { label: t('withdrawals.bill'), value: <Copy text={w.payout.bill_no} /> },
              { label: t('withdrawals.net'), value: <Money fen={w.payout.amount_fen} /> },
            ]}
          />
        </Section>
      ) : null}
      <Section title={t('leader.history')}>
        <Timeline
          items={w.history.map((m) => ({
            key: m.id,
            content: (
              <>
                <Time at={m.created_at} /> <strong>{states[m.state] ?? m.state}</strong> {m.note}
              </>
            ),
          }))}
        />
      </Section>
      <Trail object="withdrawal" id={w.id} />
    </Page>
  );
}
