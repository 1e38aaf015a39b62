import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useBrandID } from '@/app/brand';
import { spoken } from '@/i18n/server';
import { DataTable, formatCount, LinkButton, Page, StateTag, Time } from '@/ui';
import { useOptions, useWords } from './words';

const tones = { open: 'orange', confirmed: 'red', dismissed: 'grey' } as const;

export function Component() {
  const { t } = useTranslation('goods');
  const brand = useBrandID();
  const states = useOptions('diversion.states');
  const words = useWords('diversion.states');
  return (
    <Page title={t('menu.diversions')} about={t('diversion.about')}>
      <DataTable
        id="goods.diversions"
        path="/diversions"
        enabled={Boolean(brand)}
        params={{ query: { brand_id: brand } }}
        filters={[
          { name: 'state', label: t('state'), kind: 'select', options: states },
          {
            name: 'least',
            label: t('diversion.least'),
            kind: 'select',
            options: ['3', '10', '50'].map((n) => ({ value: n, label: t('diversion.leastOf', { n }) })),
          },
          { name: 'batch_id', label: t('batch.number'), kind: 'id', width: 200 },
        ]}
        to={(d) => `/goods/diversions/${d.id}`}
        columns={[
          {
            key: 'what',
            title: t('diversion.what'),
            render: (d) => t('diversion.line', { dealer: d.territory.dealer || d.batch, province: spoken(d.province) }),
          },
          {
            key: 'state',
            title: t('state'),
            render: (d) => <StateTag state={d.state} labels={words} tone={tones[d.state as keyof typeof tones]} />,
          },
          { key: 'codes', title: t('diversion.codes'), align: 'right', render: (d) => formatCount(d.codes) },
          {
            key: 'share',
            title: t('diversion.share'),
            align: 'right',
            about: t('diversion.shareAbout'),
            render: (d) => `${((d.codes / Math.max(d.territory.scans, 1)) * 100).toFixed(1)}%`,
          },
          {
            key: 'meant',
            title: t('territory.provinces'),
            render: (d) => d.territory.provinces.map(spoken).join(t('comma')),
          },
          { key: 'product', title: t('batch.product'), render: (d) => d.product },
          {
            key: 'batch',
            title: t('batch.name'),
            render: (d) => <Link to={`/goods/batches/${d.batch_id}`}>{d.batch}</Link>,
          },
          { key: 'last', title: t('diversion.last'), render: (d) => <Time at={d.last_at} /> },
        ]}
        empty={{
          title: t('diversion.empty'),
          text: t('diversion.emptyText'),
          action: <LinkButton to="/goods/batches">{t('diversion.toBatches')}</LinkButton>,
          example: t('diversion.example'),
        }}
      />
    </Page>
  );
}
