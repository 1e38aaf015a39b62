import { PlusOutlined } from '@ant-design/icons';
import { Alert, Button, Form, Input, Select, Tabs } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useSearchParams } from 'react-router';
import { useGet, useList, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { Can, DataTable, FormDrawer, formatCount, NumberInput, Page, StateTag, Time, useProducts } from '@/ui';
import { ApplyForm } from './ApplyForm';
import { batchColumns } from './columns';
import { useOptions, useWords } from './words';

export function Component() {
  const { t } = useTranslation('goods');
  const brand = useBrandID();
  const [search, setSearch] = useSearchParams();
  const [form, setForm] = useState<'apply' | 'small' | ''>('');
  // A link that asks for a state speaks of applications: batches have none.
  const tab = search.get('tab') ?? (search.get('state') ? 'requests' : 'batches');
  const choose = (key: string) =>
    setSearch((old) => {
      const next = new URLSearchParams();
      if (old.get('brand')) next.set('brand', old.get('brand') ?? '');
      next.set('tab', key);
      return next;
    });
  const waiting = useList('/batch-requests', {
    params: { query: { brand_id: brand, state: 'waiting', limit: '1', total: '1' } },
    enabled: Boolean(brand),
  }).data?.total;
  const actions = (
    <Can do="code:write">
      <Button onClick={() => setForm('small')} disabled={!brand}>
        {t('batch.small')}
      </Button>
      <Button type="primary" icon={<PlusOutlined />} onClick={() => setForm('apply')} disabled={!brand}>
        {t('request.add')}
      </Button>
    </Can>
  );
  return (
    <Page title={t('menu.batches')} about={t('batch.about')} actions={actions}>
      <Alarms brand={brand} />
      <Tabs
        activeKey={tab}
        onChange={choose}
        items={[
          { key: 'batches', label: t('batch.tab') },
          { key: 'requests', label: waiting ? t('request.tabWaiting', { n: waiting }) : t('request.tab') },
        ]}
      />
      {tab === 'requests' ? <Requests brand={brand} /> : <Batches brand={brand} actions={actions} />}
      <ApplyForm brand={brand} open={form === 'apply'} onClose={() => setForm('')} />
      <SmallBatch brand={brand} open={form === 'small'} onClose={() => setForm('')} />
    </Page>
  );
}

/** Alarms are packs that nobody fetched and batches that nobody activated. */
function Alarms({ brand }: { brand: string }) {
  const { t } = useTranslation('goods');
  const { data } = useGet('/batch-alarms', { params: { query: { brand_id: brand } }, enabled: Boolean(brand) });
  if (!data?.length) return null;
  return (
    <Alert
      type="warning"
      showIcon
      style={{ marginBottom: 16 }}
      title={t('alarm.title', { n: data.length })}
      description={
        <ul style={{ margin: 0, paddingInlineStart: 18 }}>
          {data.slice(0, 5).map((a) => (
            <li key={`${a.kind}${a.batch_id}${a.export_id}`}>
              <Link to={`/goods/batches/${a.batch_id}`} style={{ textDecoration: 'underline' }}>
                {a.batch}
              </Link>{' '}
              {t(a.kind === 'pack' ? 'alarm.pack' : 'alarm.activate', { hours: a.hours })} <Time at={a.since} />
            </li>
          ))}
        </ul>
      }
    />
  );
}

function Batches({ brand, actions }: { brand: string; actions: React.ReactNode }) {
  const { t } = useTranslation('goods');
  const states = useWords('codeState');
  const [search] = useSearchParams();
  const products = useProducts(brand, search.get('product_id') ?? '');
  return (
    <DataTable
      id="goods.batches"
      path="/batches"
      enabled={Boolean(brand)}
      params={{ query: { brand_id: brand } }}
      filters={[
        { name: 'q', label: t('batch.search'), kind: 'text' },
        {
          name: 'product_id',
          label: t('batch.product'),
          kind: 'select',
          options: products.options,
          onSearch: products.search,
        },
      ]}
      to={(b) => `/goods/batches/${b.id}`}
      columns={batchColumns(t, states)}
      empty={{ title: t('batch.empty'), text: t('batch.emptyText'), action: actions, example: t('batch.example') }}
    />
  );
}

function Requests({ brand }: { brand: string }) {
  const { t } = useTranslation('goods');
  const states = useOptions('request.states');
  const words = useWords('request.states');
  return (
    <DataTable
      id="goods.requests"
      path="/batch-requests"
      enabled={Boolean(brand)}
      params={{ query: { brand_id: brand } }}
      filters={[{ name: 'state', label: t('state'), kind: 'select', options: states }]}
      to={(r) => `/goods/batches/${r.id}`}
      columns={[
        { key: 'name', title: t('batch.name'), render: (r) => r.name },
        { key: 'state', title: t('state'), render: (r) => <StateTag state={r.state} labels={words} /> },
        { key: 'product', title: t('batch.product'), render: (r) => r.product },
        { key: 'count', title: t('batch.count'), align: 'right', render: (r) => formatCount(r.count) },
        { key: 'purpose', title: t('request.purpose'), render: (r) => r.purpose },
        { key: 'supplier', title: t('request.supplier'), render: (r) => r.supplier },
        { key: 'asker', title: t('request.asker'), render: (r) => r.asker || '—' },
        { key: 'created', title: t('request.at'), render: (r) => <Time at={r.created_at} /> },
      ]}
      empty={{ title: t('request.empty'), text: t('request.emptyText'), example: t('request.example') }}
    />
  );
}

type Small = { product_id: string; name: string; count: number };

/** SmallBatch makes a batch of samples at once. */
function SmallBatch({ brand, open, onClose }: { brand: string; open: boolean; onClose: () => void }) {
  const { t } = useTranslation('goods');
  const navigate = useNavigate();
  const [chosen, setChosen] = useState<string>();
  const products = useProducts(open ? brand : '', chosen);
  const create = useWrite('post', '/batches', {
    invalidate: ['/batches', '/batch-requests'],
    done: t('batch.made'),
    onDone: (b) => navigate(`/goods/batches/${b.id}`),
    quiet: true,
  });
  return (
    <FormDrawer<Small>
      title={t('batch.small')}
      open={open}
      onClose={onClose}
      initial={{ count: 100 }}
      onSubmit={(v) => create.mutateAsync({ body: v })}
    >
      <Alert type="info" showIcon style={{ marginBottom: 16 }} title={t('batch.smallHow')} />
      <Form.Item name="product_id" label={t('batch.product')} rules={[{ required: true, message: t('needed') }]}>
        <Select
          showSearch={{ filterOption: false, onSearch: products.search }}
          loading={products.loading}
          options={products.options}
          onChange={setChosen}
          onOpenChange={(shown) => !shown && products.search('')}
        />
      </Form.Item>
      <Form.Item
        name="name"
        label={t('batch.name')}
        rules={[{ required: true, whitespace: true, message: t('needed') }]}
      >
        <Input maxLength={100} />
      </Form.Item>
      <Form.Item name="count" label={t('batch.count')} rules={[{ required: true, message: t('needed') }]}>
        <NumberInput min={1} style={{ width: '100%' }} />
      </Form.Item>
    </FormDrawer>
  );
}
