import { Alert, Timeline } from 'antd';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { type Data, useGet } from '@/api';
import { spoken } from '@/i18n/server';
import { Broken, Copy, Detail, Member, Money, Page, Section, StateTag, Table, Time, Trail, Waiting } from '@/ui';
import { AskAgain, Explain, Review } from './parts';
import { useWords } from './words';

type View = Data<'get', '/payouts/{id}'>;

/** One payout: what it waits for, how it went, how it was booked, what WeChat's bills say. */
export function Component() {
  const { t } = useTranslation('money');
  const id = useParams().id ?? '';
  const { data, error, refetch } = useGet('/payouts/{id}', { params: { path: { id } }, refetchInterval: 15_000 });
  const states = useWords('states');
  const purposes = useWords('purposes');
  const rails = useWords('rails');
  if (error && !data) return <Broken error={error} again={() => void refetch()} />;
  if (!data) return <Waiting />;
  const p = data;
  const tone = { wait: 'info', query: 'warning', fix: 'warning', look: 'error', none: 'success' } as const;
  return (
    <Page
      title={p.bill_no ?? ''}
      trail={[{ title: t('menu.payouts'), to: '/money/payouts' }]}
      tag={<StateTag state={p.state} labels={states} />}
      watermark
      actions={
        <>
          <AskAgain payout={p} />
          <Review payout={p} />
        </>
      }
    >
      <Alert
        style={{ marginBottom: 16 }}
        showIcon
        type={
          p.state === 'failed' || p.state === 'returned'
            ? 'info'
            : tone[(p.words?.action ?? 'wait') as keyof typeof tone]
        }
        title={spoken(p.words?.text)}
        description={spoken(p.words?.cure) || undefined}
      />
      <Section>
        <Detail
          items={[
            { label: t('payout.amount'), value: <Money fen={p.amount_fen} /> },
            { label: t('payout.purpose'), value: purposes[p.purpose ?? ''] },
            { label: t('payout.rail'), value: rails[p.rail ?? ''] },
            {
              label: t('payout.campaign'),
              value: p.campaign ? <Link to={`/campaigns/${p.campaign_id}`}>{p.campaign}</Link> : '',
            },
            { label: t('payout.member'), value: <Member id={p.member_id} /> },
            { label: t('payout.account'), value: p.account?.name ? `${p.account.name} ${p.account.mch_id}` : '' },
            { label: t('payout.bill'), value: <Copy text={p.bill_no ?? ''} /> },
            { label: t('payout.wechatNo'), value: p.wechat_no ? <Copy text={p.wechat_no} /> : '' },
            {
              label: t('payout.code'),
              value: [p.code === 'SUCCESS' ? '' : p.code, p.reason].filter(Boolean).join(' · '),
            },
            p.purpose === 'withdrawal' && {
              label: t('payout.withdrawal'),
              value: <Link to={`/leaders/withdrawals/${p.claim_id}`}>{t('payout.toWithdrawal')}</Link>,
            },
          ]}
        />
      </Section>
      {p.items?.length ? (
        <Section title={t('payout.differences')}>
          {p.items.map((i) => (
            <Alert
              key={i.id}
              type={i.state === 'open' ? 'error' : 'info'}
              style={{ marginBottom: 8 }}
              title={spoken(i.note)}
              description={i.reason}
              action={<Explain item={i} />}
            />
          ))}
        </Section>
      ) : null}
      <Section title={t('payout.course')}>
        <Timeline items={course(p, t, states)} />
      </Section>
      <Section title={t('payout.postings')}>
        <Postings rows={p.postings ?? []} />
      </Section>
      <Section title={t('payout.lines')}>
        <Lines rows={p.lines ?? []} />
      </Section>
      <Trail object="payout" id={p.id} />
    </Page>
  );
}

/** course is what happened, oldest first. */
function course(p: View, t: TFunction<'money'>, states: Record<string, string>) {
  const at = (when: string | null | undefined, text: string, color?: string) => ({
    color,
    content: (
      <>
        <div>{text}</div>
        <Time at={when} seconds />
      </>
    ),
  });
  return [
    at(p.created_at, t('payout.wasMade')),
    p.attempts ? { content: t('payout.wasSent', { count: p.attempts }) } : null,
    p.state && p.state !== 'pending' && !p.finished_at ? at(p.moved_at, states[p.state] ?? p.state, 'blue') : null,
    p.confirm_by ? at(p.confirm_by, t(p.rail === 'redpack' ? 'payout.takeBy' : 'payout.confirmBy'), 'orange') : null,
    p.finished_at ? at(p.finished_at, states[p.state ?? ''] ?? '', p.state === 'settled' ? 'green' : 'gray') : null,
    !p.finished_at && p.next_at ? at(p.next_at, t('payout.next'), 'gray') : null,
  ].filter((x) => x !== null);
}

function Postings({ rows }: { rows: NonNullable<View['postings']> }) {
  const { t } = useTranslation('money');
  const accounts = useWords('accounts');
  return (
    <Table
      rows={rows}
      label={t('payout.postings')}
      columns={[
        { key: 'at', title: t('ledger.at'), render: (x) => <Time at={x.at} seconds /> },
        { key: 'from', title: t('ledger.debit'), render: (x) => accounts[x.debit_kind ?? ''] },
        { key: 'to', title: t('ledger.credit'), render: (x) => accounts[x.credit_kind ?? ''] },
        { key: 'amount', title: t('payout.amount'), align: 'right', render: (x) => <Money fen={x.amount} /> },
        { key: 'memo', title: t('ledger.memo'), render: (x) => spoken(x.memo) },
      ]}
      empty={<span className="muted">{t('payout.noPostings')}</span>}
    />
  );
}

export function Lines({ rows }: { rows: NonNullable<View['lines']> }) {
  const { t } = useTranslation('money');
  const results = useWords('results');
  return (
    <Table
      rows={rows}
      rowKey={(x) => `${x.flow_no}/${x.seq}`}
      label={t('payout.lines')}
      columns={[
        { key: 'at', title: t('recon.at'), render: (x) => <Time at={x.at} seconds /> },
        { key: 'business', title: t('recon.business'), render: (x) => x.kind || x.business },
        { key: 'amount', title: t('payout.amount'), align: 'right', render: (x) => <Money fen={x.amount_fen} /> },
        { key: 'result', title: t('recon.result'), render: (x) => results[x.result ?? ''] ?? '—' },
        { key: 'flow', title: t('recon.flow'), render: (x) => <span className="nums">{x.flow_no}</span> },
      ]}
      empty={<span className="muted">{t('payout.noLines')}</span>}
    />
  );
}
