import { Alert } from 'antd';
import { useTranslation } from 'react-i18next';
import { useGet, useList } from '@/api';
import { useBrandID } from '@/app/brand';
import { Broken, formatCount, Money, Section, Table, Time, Waiting } from '@/ui';

/** Purchases: what somebody bought and when he will need it again; only with his consent. */
export function Purchases({ id }: { id: string }) {
  const { t } = useTranslation('members');
  const brand = useBrandID();
  const { data, error, refetch } = useGet('/members/{id}/purchases', { params: { path: { id } } });
  const products = useList('/products', {
    params: { query: { brand_id: brand, limit: 100 } as object },
    enabled: Boolean(brand),
  });
  if (error && !data) return <Broken error={error} again={() => void refetch()} />;
  if (!data) return <Waiting />;
  if (!data.allowed) {
    return (
      <Section title={t('tab.purchases')}>
        <Alert type="info" showIcon title={t('purchase.notAllowed')} description={t('purchase.notAllowedText')} />
      </Section>
    );
  }
  const names = Object.fromEntries((products.data?.data ?? []).map((p) => [p.id, p.name]));
  return (
    <Section title={t('tab.purchases')}>
      <Table
        rows={(data.items ?? []).map((i) => ({ ...i, id: i.product_id }))}
        label={t('tab.purchases')}
        columns={[
          {
            key: 'product',
            title: t('purchase.product'),
            render: (i) => names[i.product_id ?? ''] ?? (i.product_id ? i.product_id : t('purchase.unknown')),
          },
          {
            key: 'quantity',
            title: t('purchase.quantity'),
            align: 'right',
            about: t('purchase.quantityAbout'),
            render: (i) => formatCount(i.quantity),
          },
          { key: 'claimed', title: t('purchase.claimed'), align: 'right', render: (i) => formatCount(i.claimed) },
          { key: 'ordered', title: t('purchase.ordered'), align: 'right', render: (i) => formatCount(i.ordered) },
          { key: 'amount', title: t('purchase.amount'), align: 'right', render: (i) => <Money fen={i.amount_fen} /> },
          { key: 'last', title: t('purchase.last'), render: (i) => <Time at={i.last_at} /> },
          {
            key: 'interval',
            title: t('purchase.interval'),
            about: t('purchase.intervalAbout'),
            render: (i) => (i.interval_hours > 0 ? t('purchase.days', { n: (i.interval_hours / 24).toFixed(1) }) : '—'),
          },
          {
            key: 'next',
            title: t('purchase.next'),
            render: (i) => (i.next_at ? <Time at={i.next_at} precise={false} /> : '—'),
          },
        ]}
        empty={t('purchase.none')}
      />
    </Section>
  );
}
