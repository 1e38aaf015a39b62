import { EditOutlined, PlusOutlined } from '@ant-design/icons';
import { Button, Image } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { useGet } from '@/api';
import { Broken, Can, Copy, DataTable, Detail, formatCount, Page, Section, Time, Trail, Waiting } from '@/ui';
import { ApplyForm } from './ApplyForm';
import { batchColumns } from './columns';
import { ProductForm } from './ProductForm';
import { useWords } from './words';

export function Component() {
  const { t } = useTranslation('goods');
  const { id = '' } = useParams();
  const states = useWords('codeState');
  const [form, setForm] = useState<'edit' | 'apply' | ''>('');
  const { data: p, error, refetch, dataUpdatedAt } = useGet('/products/{id}', { params: { path: { id } } });
  const trail = [{ title: t('menu.products'), to: '/goods/products' }];
  if (error && !p)
    return (
      <Page title={t('menu.products')} trail={trail}>
        <Broken error={error} again={() => void refetch()} />
      </Page>
    );
  if (!p)
    return (
      <Page title={t('menu.products')} trail={trail}>
        <Waiting />
      </Page>
    );
  const apply = (
    <Can do="code:write">
      <Button icon={<PlusOutlined />} onClick={() => setForm('apply')}>
        {t('request.add')}
      </Button>
    </Can>
  );
  return (
    <Page
      title={p.name}
      trail={trail}
      actions={
        <Can do="product:write">
          <Button icon={<EditOutlined />} onClick={() => setForm('edit')}>
            {t('product.edit')}
          </Button>
        </Can>
      }
    >
      <Section>
        <div style={{ display: 'flex', gap: 24, flexWrap: 'wrap' }}>
          {p.picture_url ? <Image src={p.picture_url} alt={p.name} height={120} /> : null}
          <div style={{ flex: 1, minWidth: 260 }}>
            <Detail
              items={[
                { label: t('product.gtin'), value: <Copy text={p.gtin} /> },
                { label: t('product.spec'), value: p.spec },
                { label: t('product.points'), value: formatCount(p.scan_points) },
                { label: t('product.percent'), value: `${p.points_percent}%` },
                { label: t('created'), value: <Time at={p.created_at} /> },
                { label: t('changed'), value: <Time at={p.updated_at} /> },
              ]}
            />
          </div>
        </div>
      </Section>
      <Can do="code:read">
        <DataTable
          id="goods.product.batches"
          path="/batches"
          params={{ query: { brand_id: p.brand_id ?? '', product_id: p.id } }}
          to={(b) => `/goods/batches/${b.id}`}
          columns={batchColumns(t, states).filter((c) => c.key !== 'product')}
          toolbar={apply}
          empty={{ title: t('batch.empty'), text: t('batch.emptyText'), action: apply, example: t('batch.example') }}
        />
      </Can>
      <Trail object="product" id={p.id} />
      <ProductForm
        brand={p.brand_id ?? ''}
        product={p}
        seen={dataUpdatedAt}
        open={form === 'edit'}
        onClose={() => setForm('')}
      />
      <ApplyForm brand={p.brand_id ?? ''} product={p.id} open={form === 'apply'} onClose={() => setForm('')} />
    </Page>
  );
}
