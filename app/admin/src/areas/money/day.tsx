import { Alert } from 'antd';
import { Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { type Row, useGet } from '@/api';
import { useBrandID } from '@/app/brand';
import { slots } from '@/app/slots';
import { spoken } from '@/i18n/server';
import {
  Broken,
  Can,
  DataTable,
  Detail,
  dayOf,
  dayText,
  formatCount,
  JobProgress,
  LinkButton,
  Money,
  Page,
  Section,
  StatCards,
  StateTag,
  Tabs,
  Time,
  Trail,
  Waiting,
} from '@/ui';
import { Items } from './parts';
import { Ask, lightOf } from './reconcile';
import { optionsOf, useWords } from './words';
import './money.css';

type Line = Row<'/reconcile/days/{id}/lines'>;

/** One day of one merchant account: totals, proof, differences first, then line by line. */
export function Component() {
  const { t } = useTranslation('money');
  const brand = useBrandID();
  const id = useParams().id ?? '';
  const { data, error, refetch } = useGet('/reconcile/days/{id}', { params: { path: { id } }, refetchInterval: 3000 });
  const results = useWords('results');
  const lights = useWords('light');
  const answers = useWords('answers');
  const proofs = useWords('proofs');
  if (error && !data) return <Broken error={error} again={() => void refetch()} />;
  if (!data) return <Waiting />;
  const d = data;
  const { ExportButton } = slots;
  const day = dayText(d.day);
  const light = lightOf(d);
  const today = day === dayOf(new Date());
  const lines = (
    <DataTable
      id="money.lines"
      path="/reconcile/days/{id}/lines"
      params={{ path: { id } }}
      filters={[{ name: 'result', label: t('recon.result'), kind: 'select', options: optionsOf(results) }]}
      rowKey={(l: Line) => String(l.seq)}
      toolbar={
        ExportButton && data.brand_id ? (
          <Suspense fallback={null}>
            <ExportButton list="recon_lines" query={{ brand_id: data.brand_id, day_id: id }} total={data.total_lines} />
          </Suspense>
        ) : null
      }
      columns={[
        { key: 'seq', title: t('recon.seq'), align: 'right', render: (l: Line) => formatCount(l.seq) },
        { key: 'at', title: t('recon.at'), render: (l: Line) => <Time at={l.at} seconds /> },
        {
          key: 'business',
          title: t('recon.business'),
          render: (l: Line) => (l.said ? `${l.kind} · ${answers[l.said] ?? l.said}` : l.kind || l.business),
        },
        { key: 'amount', title: t('payout.amount'), align: 'right', render: (l: Line) => <Money fen={l.amount_fen} /> },
        {
          key: 'balance',
          title: t('recon.balance'),
          align: 'right',
          render: (l: Line) => (d.source === 'bill' ? <Money fen={l.balance_fen} /> : '—'),
        },
        {
          key: 'result',
          title: t('recon.result'),
          render: (l: Line) => (
            <StateTag
              state={l.result}
              labels={results}
              tone={
                l.result === 'differs' || l.result === 'only_wechat'
                  ? 'red'
                  : l.result === 'other' || l.result === 'unclear'
                    ? 'grey'
                    : 'green'
              }
            />
          ),
        },
        {
          key: 'bill',
          title: t('payout.bill'),
          render: (l: Line) =>
            l.payout_id ? (
              <Link to={`/money/payouts/${l.payout_id}`}>{l.voucher || t('recon.toPayout')}</Link>
            ) : (
              <span className="nums">{l.voucher}</span>
            ),
        },
        {
          key: 'flow',
          title: t('recon.flow'),
          hidden: true,
          render: (l: Line) => <span className="nums">{l.flow_no}</span>,
        },
        {
          key: 'wechat',
          title: t('payout.wechatNo'),
          hidden: true,
          render: (l: Line) => <span className="nums">{l.wechat_no}</span>,
        },
        { key: 'memo', title: t('ledger.memo'), hidden: true, render: (l: Line) => spoken(l.memo) },
      ]}
      empty={{
        title: t('recon.noLines'),
        text: t('recon.noLinesText'),
        example: t('recon.noLinesExample'),
        action: <LinkButton to="/money/reconcile">{t('toCalendar')}</LinkButton>,
      }}
    />
  );
  return (
    <Page
      title={t('recon.dayTitle', { day })}
      tab={day}
      trail={[{ title: t('menu.reconcile'), to: '/money/reconcile' }]}
      tag={
        <StateTag
          state={light}
          labels={lights}
          tone={light === 'even' ? 'green' : light === 'differs' ? 'red' : light === 'failed' ? 'grey' : 'orange'}
        />
      }
      watermark
      asOf={d.finished_at}
      actions={
        <Can do="recon:write">
          <Ask day={day} account={d.account_id ?? ''} today={today} again />
        </Can>
      }
    >
      {d.state === 'matching' ? (
        <Section>
          <JobProgress state="running" done={d.done_lines ?? 0} total={d.total_lines ?? 0} />
        </Section>
      ) : null}
      {d.error || d.state === 'waiting' ? (
        <Alert
          showIcon
          type={d.state === 'failed' ? 'error' : 'warning'}
          style={{ marginBottom: 16 }}
          title={spoken(d.error) || t('recon.working')}
        />
      ) : null}
      <StatCards
        items={[
          {
            key: 'open',
            title: t('recon.openTitle'),
            value: formatCount(d.open),
            tone: d.open ? 'bad' : undefined,
            note: t('recon.explainedNote', { explained: d.explained, resolved: d.resolved }),
          },
          {
            key: 'matched',
            title: t('recon.matched'),
            value: <Money fen={d.matched_fen} />,
            note: t('recon.count', { count: d.matched }),
          },
          {
            key: 'returned',
            title: t('recon.returned'),
            value: <Money fen={d.returned_fen} />,
            note: t('recon.count', { count: d.returned }),
          },
          {
            key: 'other',
            title: t('recon.other'),
            about: t('recon.otherAbout'),
            value: <Money fen={(d.other_in_fen ?? 0) - (d.other_out_fen ?? 0)} />,
            note: t('recon.count', { count: d.other_lines }),
          },
        ]}
      />
      {d.source === 'bill' && d.proof !== 'none' ? (
        <Section title={t('recon.proof')}>
          <div className="equation">
            <span>
              <span className="muted">{t('recon.opening')}</span>
              <Money fen={d.opening_fen} />
            </span>
            <span>+</span>
            <span>
              <span className="muted">{t('recon.in')}</span>
              <Money fen={d.in_fen} />
            </span>
            <span>−</span>
            <span>
              <span className="muted">{t('recon.out')}</span>
              <Money fen={d.out_fen} />
            </span>
            <span>{d.proof === 'sum' ? '≠' : '='}</span>
            <span>
              <span className="muted">{t('recon.closing')}</span>
              <Money fen={d.closing_fen} />
            </span>
            <StateTag state={d.proof} labels={proofs} tone={d.proof === 'ok' ? 'green' : 'red'} />
          </div>
        </Section>
      ) : null}
      <Section>
        <Detail
          items={[
            { label: t('payout.account'), value: `${d.account?.name ?? ''} ${d.account?.mch_id ?? ''}` },
            { label: t('recon.source'), value: t(`source.${d.source}`) },
            { label: t('recon.lineTotal'), value: formatCount(d.total_lines) },
            {
              label: t('recon.sha1'),
              value: d.sha1 && d.sha1 !== 'none' ? <span className="nums">{d.sha1.slice(0, 12)}…</span> : '',
            },
          ]}
        />
      </Section>
      <Tabs
        key={id}
        first={d.open || d.explained ? 'items' : 'lines'}
        tabs={[
          {
            key: 'items',
            label: t('recon.differences', { count: (d.open ?? 0) + (d.explained ?? 0) + (d.resolved ?? 0) }),
            content: () => (
              <Items id="money.dayItems" brand={d.brand_id ?? brand} fixed={{ account_id: d.account_id ?? '', day }} />
            ),
          },
          { key: 'lines', label: t('recon.lines', { count: d.total_lines ?? 0 }), content: () => lines },
        ]}
      />
      <Trail object="recon_day" id={id} />
    </Page>
  );
}
