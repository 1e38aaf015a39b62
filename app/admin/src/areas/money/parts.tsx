import { useQueryClient } from '@tanstack/react-query';
import { Button, Form, Input } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { type Row, refresh, useWrite } from '@/api';
import { spoken } from '@/i18n/server';
import { Can, Danger, DataTable, dayOf, LinkButton, Money, type Picked, StateTag, useEach, useUndo } from '@/ui';
import './money.css';
import { ageOf, optionsOf, useWords } from './words';

export type Payout = Row<'/payouts'>;
export type Item = Row<'/reconcile/items'>;

/** Cure says what a payout waits for and what helps. */
export function Cure({ words, said }: { words: Payout['words']; said?: string }) {
  return (
    <div className="money-words">
      <div>{spoken(words?.text)}</div>
      {words?.cure ? <div className="muted">{spoken(words.cure)}</div> : null}
      {said ? <div className="muted">{spoken(said)}</div> : null}
    </div>
  );
}

const moves = (p: Payout) => Boolean(p.state) && !['settled', 'returned', 'failed'].includes(p.state ?? '');

/** AskAgain asks WeChat for a payout that has not ended. */
export function AskAgain({ payout, small }: { payout: Payout; small?: boolean }) {
  const { t } = useTranslation('money');
  const ask = useWrite('post', '/payouts/{id}/query', { invalidate: ['/payouts'], done: t('payout.asked') });
  if (!moves(payout)) return null;
  return (
    <Can do="payout:write">
      <Button
        size={small ? 'small' : undefined}
        loading={ask.isPending}
        onClick={() =>
          ask.mutate({ params: { path: { id: payout.id ?? '' } }, body: { reason: t('payout.askReason') } })
        }
      >
        {t('payout.ask')}
      </Button>
    </Can>
  );
}

/** AskManyAgain asks WeChat for everything that was selected and has no end yet. */
export function AskManyAgain({ picked }: { picked: Picked<Payout> }) {
  const { t } = useTranslation('money');
  const queries = useQueryClient();
  const ask = useWrite('post', '/payouts/{id}/query', { quiet: true });
  const { run, doing } = useEach(
    (p: Payout) => ask.mutateAsync({ params: { path: { id: p.id ?? '' } }, body: { reason: t('payout.askReason') } }),
    (p) => p.bill_no ?? '',
  );
  const open = picked.rows.filter(moves);
  if (doing) return doing;
  return (
    <Button
      size="small"
      disabled={open.length === 0}
      onClick={() =>
        void run(open, { reason: '' }).then(() => {
          picked.clear();
          return refresh(queries, ['/payouts']);
        })
      }
    >
      {t('payout.askMany', { n: open.length })}
    </Button>
  );
}

/** Review takes the mark off a payout, or puts it on. */
export function Review({ payout, small }: { payout: Payout; small?: boolean }) {
  const { t } = useTranslation('money');
  const mark = useWrite('put', '/payouts/{id}/review', {
    invalidate: ['/payouts', '/home'],
    quiet: true,
  });
  const undo = useUndo();
  return (
    <Can do="payout:write">
      <Danger
        danger={false}
        trigger={
          <Button size={small ? 'small' : undefined} type={payout.review ? 'primary' : 'default'}>
            {t(payout.review ? 'payout.review' : 'payout.mark')}
          </Button>
        }
        title={t(payout.review ? 'payout.reviewTitle' : 'payout.markTitle', { bill: payout.bill_no })}
        consequence={t(payout.review ? 'payout.reviewText' : 'payout.markText')}
        reason
        onConfirm={async ({ reason }) => {
          const [was, params] = [payout.review, { path: { id: payout.id ?? '' } }];
          await mark.mutateAsync({ params, body: { on: !was, reason } });
          undo(t(was ? 'payout.reviewed' : 'payout.marked'), (send, why) =>
            send('put', '/payouts/{id}/review', { params, body: { on: was, reason: why } }, ['/payouts', '/home']),
          );
        }}
      />
    </Can>
  );
}

/** Explain closes a difference with a reason. */
export function Explain({ item }: { item: Item }) {
  const { t } = useTranslation('money');
  const explain = useWrite('post', '/reconcile/items/{id}/explain', {
    invalidate: ['/reconcile', '/payouts', '/home'],
    done: t('recon.explained'),
    quiet: true,
  });
  if (item.state === 'resolved') return null;
  return (
    <Can do="recon:write">
      <Danger
        danger={false}
        trigger={<Button size="small">{t(item.state === 'open' ? 'recon.explain' : 'recon.explainAgain')}</Button>}
        title={t('recon.explainTitle')}
        consequence={
          <>
            <p>{spoken(item.note)}</p>
            <p className="muted">{t('recon.explainText')}</p>
          </>
        }
        confirm={t('recon.explain')}
        onConfirm={({ why }) =>
          explain.mutateAsync({
            params: { path: { id: item.id ?? '' } },
            body: { version: item.version, reason: String(why ?? '') },
          })
        }
      >
        <Form.Item
          name="why"
          label={t('recon.why')}
          initialValue={item.reason || undefined}
          rules={[{ required: true, whitespace: true, min: 2, message: t('recon.whyNeeded') }]}
        >
          <Input.TextArea rows={3} maxLength={300} showCount placeholder={t('recon.whyHint')} />
        </Form.Item>
      </Danger>
    </Can>
  );
}

/** Items lists differences; what is fixed (a day, a payout) is no filter. */
export function Items({
  brand,
  fixed,
  id,
}: {
  brand: string;
  fixed?: { account_id?: string; day?: string };
  id: string;
}) {
  const { t } = useTranslation('money');
  const kinds = useWords('kinds');
  const states = useWords('itemStates');
  return (
    <DataTable
      id={id}
      path="/reconcile/items"
      exportAs="recon_items"
      enabled={Boolean(brand)}
      params={{ query: { brand_id: brand, ...fixed } }}
      filters={[
        { name: 'state', label: t('recon.state'), kind: 'select', options: optionsOf(states) },
        { name: 'kind', label: t('recon.kind'), kind: 'select', options: optionsOf(kinds) },
      ]}
      columns={[
        {
          key: 'kind',
          title: t('recon.kind'),
          render: (x: Item) => <strong>{kinds[x.kind ?? ''] ?? x.kind}</strong>,
        },
        {
          key: 'state',
          title: t('recon.state'),
          render: (x: Item) => (
            <StateTag
              state={x.state}
              labels={states}
              tone={x.state === 'open' ? 'red' : x.state === 'explained' ? 'blue' : 'green'}
            />
          ),
        },
        {
          key: 'note',
          title: t('recon.what'),
          render: (x: Item) => (
            <div className="money-words">
              {spoken(x.note)}
              {x.reason ? (
                <div className="muted">{t('recon.reasonBy', { by: x.by_login, reason: x.reason })}</div>
              ) : null}
            </div>
          ),
        },
        {
          key: 'ours',
          title: t('recon.ours'),
          align: 'right',
          render: (x: Item) => (x.payout_id ? <Money fen={x.ours_fen} /> : '—'),
        },
        {
          key: 'wechat',
          title: t('recon.wechat'),
          align: 'right',
          render: (x: Item) => (x.wechat_fen ? <Money fen={x.wechat_fen} /> : '—'),
        },
        {
          key: 'bill',
          title: t('payout.bill'),
          render: (x: Item) =>
            x.payout_id ? (
              <Link to={`/money/payouts/${x.payout_id}`}>{x.bill_no}</Link>
            ) : (
              <span className="nums">{x.bill_no}</span>
            ),
        },
        { key: 'wechat_no', title: t('payout.wechatNo'), hidden: true, render: (x: Item) => x.wechat_no || '—' },
        {
          key: 'age',
          title: t('recon.age'),
          render: (x: Item) => (
            <>
              <span className="nums">{dayOf(x.since)}</span>{' '}
              <span className="muted">{x.state === 'open' ? t('recon.days', { count: ageOf(x.since) }) : ''}</span>
            </>
          ),
        },
      ]}
      actions={(x: Item) => <Explain item={x} />}
      empty={{
        title: t('recon.noItems'),
        text: t('recon.noItemsText'),
        example: t('recon.noItemsExample'),
        action: <LinkButton to="/money/reconcile">{t('toCalendar')}</LinkButton>,
      }}
    />
  );
}
