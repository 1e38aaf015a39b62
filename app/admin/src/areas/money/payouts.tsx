import { Alert, Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { DataTable, dayOf, type Filter, LinkButton, Member, Money, Page, rangeOf, StateTag, Time } from '@/ui';
import { AskAgain, AskManyAgain, Cure, type Payout } from './parts';
import { optionsOf, useWords } from './words';

/** Payouts: every order to WeChat, with what it waits for in words. */
export function Component() {
  const { t } = useTranslation('money');
  const brand = useBrandID();
  const can = useCan();
  const states = useWords('states');
  const purposes = useWords('purposes');
  const rails = useWords('rails');
  const [search] = useSearchParams();
  // These are found by looking at every payout of some days, so there have to be some.
  const wide = ['min_yuan', 'max_yuan', 'rail', 'purpose'].some((name) => search.get(name));
  const narrowed =
    wide && !search.get('day') && !search.get('bill_no') && !search.get('member_id')
      ? rangeOf(dayOf(Date.now() - 30 * 86_400_000), '').from
      : undefined;
  const filters: Filter[] = [
    { name: 'bill_no', label: t('payout.bill'), kind: 'id', width: 220 },
    { name: 'state', label: t('payout.state'), kind: 'select', options: optionsOf(states) },
    { name: 'purpose', label: t('payout.purpose'), kind: 'select', options: optionsOf(purposes) },
    { name: 'rail', label: t('payout.rail'), kind: 'select', options: optionsOf(rails) },
    {
      name: 'review',
      label: t('payout.reviewFilter'),
      kind: 'select',
      options: [
        { value: 'true', label: t('payout.needsReview') },
        { value: 'false', label: t('payout.noReview') },
      ],
    },
    { name: 'day', label: t('payout.made'), kind: 'range' },
    { name: 'min_yuan', label: t('payout.min'), kind: 'yuan', width: 120 },
    { name: 'max_yuan', label: t('payout.max'), kind: 'yuan', width: 120 },
    { name: 'member_id', label: t('payout.memberNo'), kind: 'id' },
  ];
  return (
    <Page title={t('menu.payouts')} about={t('payout.about')} watermark>
      {narrowed ? <Alert style={{ marginBottom: 12 }} type="info" showIcon title={t('payout.narrowed')} /> : null}
      <DataTable
        id="money.payouts"
        path="/payouts"
        enabled={Boolean(brand)}
        params={{ query: { brand_id: brand, from: narrowed } }}
        filters={filters}
        to={(p: Payout) => `/money/payouts/${p.id}`}
        exportAs="payouts"
        columns={[
          { key: 'bill', title: t('payout.bill'), render: (p: Payout) => <span className="nums">{p.bill_no}</span> },
          {
            key: 'amount',
            title: t('payout.amount'),
            align: 'right',
            render: (p: Payout) => <Money fen={p.amount_fen} />,
          },
          {
            key: 'state',
            title: t('payout.state'),
            render: (p: Payout) => (
              <>
                <StateTag state={p.state} labels={states} />{' '}
                {p.review ? <Tag color="red">{t('payout.needsReview')}</Tag> : null}
              </>
            ),
          },
          { key: 'made', title: t('payout.made'), render: (p: Payout) => <Time at={p.created_at} /> },
          {
            key: 'words',
            title: t('payout.words'),
            render: (p: Payout) => (p.words?.cure ? <Cure words={p.words} /> : '—'),
          },
          {
            key: 'purpose',
            title: t('payout.purpose'),
            hidden: true,
            render: (p: Payout) => purposes[p.purpose ?? ''],
          },
          {
            key: 'campaign',
            title: t('payout.campaign'),
            render: (p: Payout) => (p.campaign ? <Link to={`/campaigns/${p.campaign_id}`}>{p.campaign}</Link> : '—'),
          },
          { key: 'rail', title: t('payout.rail'), hidden: true, render: (p: Payout) => rails[p.rail ?? ''] },
          { key: 'account', title: t('payout.account'), hidden: true, render: (p: Payout) => p.account?.name },
          { key: 'member', title: t('payout.member'), render: (p: Payout) => <Member id={p.member_id} /> },
          { key: 'ended', title: t('payout.ended'), hidden: true, render: (p: Payout) => <Time at={p.finished_at} /> },
        ]}
        actions={(p: Payout) => <AskAgain payout={p} small />}
        selection={can('payout:write') ? { actions: (picked) => <AskManyAgain picked={picked} /> } : undefined}
        empty={{
          title: t('payout.none'),
          text: t('payout.noneText'),
          example: t('payout.noneExample'),
          action: <LinkButton to="/campaigns">{t('toCampaigns')}</LinkButton>,
        }}
      />
    </Page>
  );
}
