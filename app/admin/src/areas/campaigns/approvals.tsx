import { useTranslation } from 'react-i18next';
import { useBrandID } from '@/app/brand';
import { DataTable, LinkButton, Page, Time } from '@/ui';
import { givesText } from './draft';
import { ApprovalLimit } from './policy';

/** What waits for a second person. */
export function Component() {
  const { t } = useTranslation('campaigns');
  const brand = useBrandID();
  return (
    <Page title={t('menu.approvals')} about={t('approvals.about')}>
      <DataTable
        id="campaign-approvals"
        path="/campaign-approvals"
        params={{ query: { brand_id: brand } }}
        enabled={Boolean(brand)}
        refetchInterval={30_000}
        to={(a) => `/campaigns/${a.campaign_id}/approval`}
        columns={[
          { key: 'name', title: t('field.name'), render: (a) => a.campaign_name },
          {
            key: 'spend',
            title: t('money.spend'),
            align: 'right',
            render: (a) => givesText(t, a.spend_fen, a.spend_points),
          },
          { key: 'at', title: t('approvals.at'), render: (a) => <Time at={a.created_at} /> },
          { key: 'note', title: t('review.note'), render: (a) => a.note || '—' },
        ]}
        actions={(a) => (
          <LinkButton to={`/campaigns/${a.campaign_id}/approval`} size="small" type="link">
            {t('action.decide')}
          </LinkButton>
        )}
        empty={{ title: t('approvals.empty'), text: t('approvals.emptyText') }}
      />
      {brand ? <ApprovalLimit brand={brand} /> : null}
    </Page>
  );
}
