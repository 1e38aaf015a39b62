import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Row } from '@/api';
import { useBrandID } from '@/app/brand';
import { DataTable, formatCount, LinkButton, Member, Money, Page, Time } from '@/ui';
import { useWords } from './words';

type Claim = Row<'/claims'>;

/** Claims: who won what with which code. */
export function Component() {
  const { t } = useTranslation('money');
  const brand = useBrandID();
  const prizes = useWords('prizes');
  return (
    <Page title={t('menu.claims')} about={t('claim.about')} watermark>
      <DataTable
        id="money.claims"
        path="/claims"
        enabled={Boolean(brand)}
        params={{ query: { brand_id: brand } }}
        filters={[
          { name: 'member_id', label: t('payout.memberNo'), kind: 'id' },
          { name: 'campaign_id', label: t('claim.campaignNo'), kind: 'id' },
        ]}
        exportAs="claims"
        columns={[
          { key: 'prize', title: t('claim.prize'), render: (c: Claim) => c.prize || prizes[c.kind ?? ''] },
          {
            key: 'cash',
            title: t('claim.cash'),
            align: 'right',
            render: (c: Claim) => (c.cash_fen ? <Money fen={c.cash_fen} /> : '—'),
          },
          {
            key: 'points',
            title: t('claim.points'),
            align: 'right',
            render: (c: Claim) => <span className="nums">{formatCount(c.points)}</span>,
          },
          {
            key: 'campaign',
            title: t('payout.campaign'),
            render: (c: Claim) =>
              c.campaign ? <Link to={`/campaigns/${c.campaign_id}`}>{c.campaign}</Link> : t('claim.pointsOnly'),
          },
          { key: 'product', title: t('claim.product'), render: (c: Claim) => c.product },
          {
            key: 'serial',
            title: t('claim.serial'),
            render: (c: Claim) => (
              <Link to={`/goods/batches/${c.batch_id}`}>{t('claim.serialOf', { n: formatCount(c.serial) })}</Link>
            ),
          },
          { key: 'member', title: t('payout.member'), render: (c: Claim) => <Member id={c.member_id} /> },
          { key: 'at', title: t('claim.at'), render: (c: Claim) => <Time at={c.created_at} /> },
        ]}
        empty={{
          title: t('claim.none'),
          text: t('claim.noneText'),
          example: t('claim.noneExample'),
          action: <LinkButton to="/campaigns">{t('toCampaigns')}</LinkButton>,
        }}
      />
    </Page>
  );
}
