import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useBrandID } from '@/app/brand';
import { DataTable, formatCount, LinkButton, Page, Time } from '@/ui';
import { useOptions } from './words';

export function Component() {
  const { t } = useTranslation('goods');
  const brand = useBrandID();
  const kinds = useOptions('flag');
  return (
    <Page title={t('menu.flagged')} about={t('flagged.about')}>
      <DataTable
        id="goods.flagged"
        path="/scans/flagged"
        enabled={Boolean(brand)}
        params={{ query: { brand_id: brand } }}
        filters={[
          { name: 'kind', label: t('flagged.why'), kind: 'select', options: kinds },
          { name: 'batch_id', label: t('batch.number'), kind: 'id', width: 200 },
        ]}
        exportAs="flagged"
        rowKey={(s) => `${s.batch_id}.${s.serial}`}
        to={(s) => `/goods/codes?batch_id=${s.batch_id}&serial=${s.serial}`}
        columns={[
          {
            key: 'code',
            title: t('code.code'),
            render: (s) => `${s.product} · ${t('code.no', { n: formatCount(s.serial) })}`,
          },
          { key: 'why', title: t('flagged.why'), render: (s) => s.why },
          { key: 'scans', title: t('code.scans'), align: 'right', render: (s) => formatCount(s.scans) },
          {
            key: 'others',
            title: t('flagged.others'),
            align: 'right',
            about: t('flagged.othersAbout'),
            render: (s) => formatCount(s.others),
          },
          {
            key: 'first',
            title: t('code.first'),
            render: (s) => (
              <>
                <Time at={s.first_at} /> {s.first_city}
              </>
            ),
          },
          {
            key: 'last',
            hidden: true,
            title: t('flagged.last'),
            render: (s) => (
              <>
                <Time at={s.last_at} /> {s.last_city}
              </>
            ),
          },
          {
            key: 'batch',
            title: t('batch.name'),
            hidden: true,
            render: (s) => <Link to={`/goods/batches/${s.batch_id}`}>{s.batch}</Link>,
          },
          { key: 'at', title: t('flagged.at'), render: (s) => <Time at={s.flagged_at} /> },
        ]}
        empty={{
          title: t('flagged.empty'),
          text: t('flagged.emptyText'),
          action: <LinkButton to="/goods/codes">{t('menu.codes')}</LinkButton>,
          example: t('flagged.example'),
        }}
      />
    </Page>
  );
}
