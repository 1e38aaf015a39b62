import { DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { Alert, Button, Form, Input, InputNumber, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { formatCount, TimeInput } from '@/ui';
import type { Batches } from '../batches';
import { codesOf, type Draft } from '../draft';

/** Which codes take part, and when. */
export function ScopeStep({ values, batches }: { values: Draft; batches: Batches }) {
  const { t } = useTranslation('campaigns');
  const form = Form.useFormInstance<Draft>();
  const products = [...new Map(batches.list.map((b) => [b.product, b.productName])).entries()];
  const codes = codesOf(values.scopes, batches.counts);
  const addProduct = (product: string) => {
    const have = new Set((values.scopes ?? []).map((s) => s.batch_id));
    const more = batches.list
      .filter((b) => b.product === product && !have.has(b.id))
      .map((b) => ({ batch_id: b.id, from_serial: null, until_serial: null }));
    form.setFieldsValue({ scopes: [...(values.scopes ?? []).filter((s) => s.batch_id), ...more] });
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
        <Form.Item name="from_at" label={t('field.from')} rules={[{ required: true, message: t('need.from') }]}>
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
          ]}
        >
          <TimeInput />
        </Form.Item>
      </div>
      <h2 className="campaign-sub">{t('scope.title')}</h2>
      <p className="muted">{t('scope.about')}</p>
      {!batches.loading && batches.list.length === 0 ? (
        <Alert
          type="info"
          showIcon
          title={t('scope.noBatches')}
          action={<Link to="/goods/batches">{t('scope.toBatches')}</Link>}
          style={{ marginBottom: 16 }}
        />
      ) : null}
      <div className="page-actions" style={{ marginBottom: 12 }}>
        <Select<string>
          aria-label={t('scope.addProduct')}
          placeholder={t('scope.addProduct')}
          style={{ minWidth: 260, maxWidth: '100%' }}
          value={null as never}
          loading={batches.loading}
          showSearch={{ optionFilterProp: 'label' }}
          options={products.map(([id, name]) => ({ value: id, label: name }))}
          onChange={addProduct}
        />
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
              return (
                <div key={key} className="campaign-scope">
                  <Form.Item name={[name, 'batch_id']} label={t('scope.batch')} className="grow">
                    <Select
                      showSearch={{ optionFilterProp: 'label' }}
                      loading={batches.loading}
                      placeholder={t('scope.batchHint')}
                      options={batches.list.map((b) => ({
                        value: b.id,
                        label: t('scope.batchLabel', {
                          product: b.productName,
                          batch: b.name,
                          count: formatCount(b.count) as never,
                        }),
                      }))}
                    />
                  </Form.Item>
                  <Form.Item name={[name, 'from_serial']} label={t('scope.from')}>
                    <InputNumber min={1} max={all} precision={0} placeholder="1" style={{ width: 130 }} />
                  </Form.Item>
                  <Form.Item name={[name, 'until_serial']} label={t('scope.until')}>
                    <InputNumber
                      min={row?.from_serial ?? 1}
                      max={all}
                      precision={0}
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
              disabled={batches.list.length === 0}
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
