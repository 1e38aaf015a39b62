import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useBrandID } from '@/app/brand';
import { DataTable, formatCount, Page, StateTag, Time } from '@/ui';
import { useOptions, useWords } from './words';

export function Component() {
  const { t } = useTranslation('goods');
  const brand = useBrandID();
  const kinds = useWords('pack.kinds');
  const states = useWords('pack.states');
  const options = useOptions('pack.states');
  return (
    <Page title={t('menu.exports')} about={t('pack.about')}>
      <DataTable
        id="goods.exports"
        path="/exports"
        enabled={Boolean(brand)}
        params={{ query: { brand_id: brand } }}
        filters={[{ name: 'state', label: t('state'), kind: 'select', options }]}
        to={(x) => `/goods/exports/${x.id}`}
        refetchInterval={5000}
        columns={[
          {
            key: 'what',
            title: t('menu.exports'),
            render: (x) => `${x.batch} · ${kinds[x.kind]}`,
          },
          {
            key: 'state',
            title: t('state'),
            render: (x) => (
              <StateTag state={x.state} labels={states} tone={x.state === 'ready' ? 'green' : undefined} />
            ),
          },
          {
            key: 'serials',
            title: t('range.serials'),
            render: (x) => (
              <span className="nums">
                {formatCount(x.from_serial)} – {formatCount(x.until_serial - 1)}
              </span>
            ),
          },
          {
            key: 'progress',
            title: t('pack.progress'),
            align: 'right',
            render: (x) => `${formatCount(x.done)} / ${formatCount(x.total)}`,
          },
          {
            key: 'password',
            title: t('pack.password'),
            render: (x) => (x.password_taken_at ? <Time at={x.password_taken_at} /> : t('pack.notTaken')),
          },
          { key: 'expires', title: t('pack.until'), render: (x) => <Time at={x.expires_at} /> },
          { key: 'created', title: t('created'), render: (x) => <Time at={x.created_at} /> },
        ]}
        actions={(x) => <Link to={`/goods/batches/${x.batch_id}`}>{t('batch.open')}</Link>}
        empty={{ title: t('pack.empty'), text: t('pack.emptyText'), example: t('pack.example') }}
      />
    </Page>
  );
}
