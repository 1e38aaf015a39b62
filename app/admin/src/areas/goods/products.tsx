import { PlusOutlined } from '@ant-design/icons';
import { Button, Image } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { useBrandID } from '@/app/brand';
import { Can, Copy, DataTable, formatCount, Page, Time } from '@/ui';
import { ProductForm } from './ProductForm';

export function Component() {
  const { t } = useTranslation('goods');
  const brand = useBrandID();
  const navigate = useNavigate();
  const [open, setOpen] = useState(false);
  const add = (
    <Can do="product:write">
      <Button type="primary" icon={<PlusOutlined />} onClick={() => setOpen(true)} disabled={!brand}>
        {t('product.add')}
      </Button>
    </Can>
  );
  return (
    <Page title={t('menu.products')} about={t('product.about')} actions={add}>
      <DataTable
        id="goods.products"
        path="/products"
        enabled={Boolean(brand)}
        params={{ query: { brand_id: brand } }}
        filters={[{ name: 'q', label: t('product.search'), kind: 'text', width: 220 }]}
        to={(p) => `/goods/products/${p.id}`}
        columns={[
          { key: 'name', title: t('product.name'), render: (p) => p.name },
          {
            key: 'picture',
            title: t('product.picture'),
            render: (p) =>
              p.picture_url ? <Image src={p.picture_url} alt={p.name} height={32} /> : <span className="muted">—</span>,
          },
          { key: 'spec', title: t('product.spec'), render: (p) => p.spec || '—' },
          { key: 'gtin', title: t('product.gtin'), render: (p) => <Copy text={p.gtin} /> },
          {
            key: 'points',
            title: t('product.points'),
            align: 'right',
            about: t('product.pointsHint'),
            render: (p) => formatCount(p.scan_points),
          },
          {
            key: 'percent',
            title: t('product.percent'),
            align: 'right',
            hidden: true,
            render: (p) => `${p.points_percent}%`,
          },
          { key: 'created', title: t('created'), render: (p) => <Time at={p.created_at} /> },
        ]}
        empty={{ title: t('product.empty'), text: t('product.emptyText'), action: add, example: t('product.example') }}
      />
      <ProductForm
        brand={brand}
        open={open}
        onClose={() => setOpen(false)}
        onDone={(p) => navigate(`/goods/products/${p.id}`)}
      />
    </Page>
  );
}
