import { DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { Alert, App, Button, Form, Input, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useList } from '@/api';
import { useCan } from '@/app/session';
import { formatCount, NumberInput, showFault, TimeInput } from '@/ui';
import { type BatchChoice, type Batches, batchesOf, useSearch } from '../batches';
import { codesOf, type Draft } from '../draft';

/** Which codes take part, and when. */
export function ScopeStep({ values, batches, brand }: { values: Draft; batches: Batches; brand: string }) {
  const { t } = useTranslation('campaigns');
  const form = Form.useFormInstance<Draft>();
  const { message, notification } = App.useApp();
  const [word, search] = useSearch();
  const mayProducts = useCan()('product:read');
  const products = useList('/products', {
    params: { query: { brand_id: brand, q: word, limit: '50' } },
    enabled: mayProducts,
  });
  const none = !batches.loading && batches.named.size === 0;
  const label = (b: BatchChoice) =>
    t('scope.batchLabel', { product: b.productName, batch: b.name, count: formatCount(b.count) as never });
  const codes = codesOf(values.scopes, batches.counts);
  const addProduct = async (product: string) => {
    const found = await batchesOf(brand, product);
    batches.learn(found);
    const now = ((form.getFieldValue('scopes') ?? []) as Draft['scopes']).filter((s) => s?.batch_id);
    const have = new Set(now.map((s) => s.batch_id));
    const more = found
      .filter((b) => !have.has(b.id))
      .map((b) => ({ batch_id: b.id, from_serial: null, until_serial: null }));
    form.setFieldsValue({ scopes: [...now, ...more] });
    if (found.length === 0) message.info(t('scope.productEmpty'));
  };
  return (
    <>
      <Form.Item
        name="name"
        label={t('field.name')}
        extra={t('hint.name')}
        rules={[{ required: true, whitespace: true, message: t('need.name') }, { max: 64 }]}
      >
        <Input maxLength={64} showCount placeholder={t('hint.nameExample')} style={{ maxWidth: 520 }} />
      </Form.Item>
      <div className="campaign-two">
        <Form.Item
          name="from_at"
          label={t('field.from')}
          extra={past(values.from_at) ? t('scope.began') : undefined}
          rules={[{ required: true, message: t('need.from') }]}
        >
          <TimeInput />
        </Form.Item>
        <Form.Item
          name="until_at"
          label={t('field.until')}
          dependencies={['from_at']}
          rules={[
            { required: true, message: t('need.until') },
            ({ getFieldValue }) => ({
              validator: (_, v) =>
                !v || !getFieldValue('from_at') || Date.parse(v) > Date.parse(getFieldValue('from_at'))
                  ? Promise.resolve()
                  : Promise.reject(new Error(t('need.untilAfter'))),
            }),
            {
              validator: (_, v) => (past(v) ? Promise.reject(new Error(t('need.untilFuture'))) : Promise.resolve()),
            },
          ]}
        >
          <TimeInput />
        </Form.Item>
      </div>
      <h2 className="campaign-sub">{t('scope.title')}</h2>
      <p className="muted">{t('scope.about')}</p>
      {none ? (
        <Alert
          type="info"
          showIcon
          title={t('scope.noBatches')}
          action={<Link to="/goods/batches">{t('scope.toBatches')}</Link>}
          style={{ marginBottom: 16 }}
        />
      ) : null}
      <div className="page-actions" style={{ marginBottom: 12 }}>
        {mayProducts ? (
          <Select<string>
            aria-label={t('scope.addProduct')}
            placeholder={t('scope.addProduct')}
            style={{ minWidth: 260, maxWidth: '100%' }}
            value={null as never}
            loading={products.isFetching}
            showSearch={{ filterOption: false, onSearch: search }}
            options={(products.data?.data ?? []).map((p) => ({ value: p.id, label: `${p.name} ${p.spec}`.trim() }))}
            onChange={(v) => {
              search('');
              void addProduct(v).catch((error) => showFault(notification, error));
            }}
          />
        ) : null}
      </div>
      <Form.List
        name="scopes"
        rules={[
          {
            validator: (_, list) =>
              (list ?? []).some((s: { batch_id?: string }) => s?.batch_id)
                ? Promise.resolve()
                : Promise.reject(new Error(t('need.scope'))),
          },
        ]}
      >
        {(fields, { add, remove }, { errors }) => (
          <>
            {fields.map(({ key, name }) => {
              const row = values.scopes?.[name];
              const all = batches.counts.get(row?.batch_id ?? '');
              const chosen = batches.named.get(row?.batch_id ?? '');
              const choices = chosen && !batches.list.some((b) => b.id === chosen.id) ? [chosen] : [];
              return (
                <div key={key} className="campaign-scope">
                  <Form.Item name={[name, 'batch_id']} label={t('scope.batch')} className="grow">
                    <Select
                      showSearch={{ filterOption: false, onSearch: batches.search }}
                      loading={batches.loading}
                      placeholder={t('scope.batchHint')}
                      options={[...choices, ...batches.list].map((b) => ({ value: b.id, label: label(b) }))}
                      onOpenChange={(open) => !open && batches.search('')}
                    />
                  </Form.Item>
                  <Form.Item name={[name, 'from_serial']} label={t('scope.from')}>
                    <NumberInput min={1} max={all} placeholder="1" style={{ width: 130 }} />
                  </Form.Item>
                  <Form.Item name={[name, 'until_serial']} label={t('scope.until')}>
                    <NumberInput
                      min={row?.from_serial ?? 1}
                      max={all}
                      placeholder={all ? String(all) : undefined}
                      style={{ width: 130 }}
                    />
                  </Form.Item>
                  <Button
                    type="text"
                    icon={<DeleteOutlined />}
                    aria-label={t('scope.remove', { n: name + 1 })}
                    onClick={() => remove(name)}
                    className="campaign-remove"
                  />
                </div>
              );
            })}
            <Form.ErrorList errors={errors} />
            <Button
              icon={<PlusOutlined />}
              onClick={() => add({ batch_id: '', from_serial: null, until_serial: null })}
              disabled={none}
            >
              {t('scope.add')}
            </Button>
          </>
        )}
      </Form.List>
      <p role="status" style={{ marginTop: 12 }}>
        <strong>{t('scope.sum', { codes: formatCount(codes) })}</strong>
      </p>
    </>
  );
}

function past(at: string | null | undefined): boolean {
  return Boolean(at) && Date.parse(at ?? '') <= Date.now();
}
