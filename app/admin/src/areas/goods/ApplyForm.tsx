import { Alert, Form, Input, Radio, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { useGet, useWrite } from '@/api';
import { FormDrawer, formatCount, NumberInput, useProducts } from '@/ui';
import { useOptions } from './words';

type Values = {
  product_id: string;
  name: string;
  count: number;
  purpose: string;
  supplier: string;
  dealer?: string;
  provinces?: string[];
  kind: string;
  url_form: string;
};

/** ApplyForm asks for a batch; a second person approves it. */
export function ApplyForm({
  brand,
  product,
  open,
  onClose,
}: {
  brand: string;
  product?: string;
  open: boolean;
  onClose: () => void;
}) {
  const { t } = useTranslation('goods');
  const navigate = useNavigate();
  const kinds = useOptions('pack.kinds');
  const forms = useOptions('pack.forms');
  const [chosen, setChosen] = useState(product);
  const products = useProducts(open ? brand : '', chosen);
  const provinces = useGet('/provinces', { enabled: open });
  const apply = useWrite('post', '/batch-requests', {
    invalidate: ['/batch-requests'],
    done: t('request.sent'),
    onDone: (r) => navigate(`/goods/batches/${r.id}`),
    quiet: true,
  });
  return (
    <FormDrawer<Values>
      title={t('request.add')}
      open={open}
      onClose={onClose}
      initial={{ product_id: product, kind: 'csv', url_form: 'short', provinces: [] }}
      onSubmit={(v) => apply.mutateAsync({ body: v })}
      submit={t('request.send')}
    >
      {(_, values) => (
        <>
          <Alert type="info" showIcon style={{ marginBottom: 16 }} title={t('request.how')} />
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
            <Input maxLength={100} placeholder={t('request.nameHint')} />
          </Form.Item>
          <Form.Item
            name="count"
            label={t('batch.count')}
            extra={values.count ? t('request.countSaid', { n: formatCount(values.count) }) : undefined}
            rules={[{ required: true, message: t('needed') }]}
          >
            <NumberInput min={1} max={100_000_000} style={{ width: '100%' }} />
          </Form.Item>
          <Form.Item
            name="purpose"
            label={t('request.purpose')}
            rules={[{ required: true, whitespace: true, message: t('needed') }]}
          >
            <Input.TextArea rows={2} maxLength={200} showCount placeholder={t('request.purposeHint')} />
          </Form.Item>
          <Form.Item
            name="supplier"
            label={t('request.supplier')}
            rules={[{ required: true, whitespace: true, message: t('needed') }]}
          >
            <Input maxLength={100} placeholder={t('request.supplierHint')} />
          </Form.Item>
          <Form.Item name="kind" label={t('pack.kind')}>
            <Radio.Group options={kinds} optionType="button" />
          </Form.Item>
          <Form.Item name="url_form" label={t('pack.form')}>
            <Radio.Group options={forms} />
          </Form.Item>
          <Form.Item name="provinces" label={t('territory.provinces')} extra={t('request.provincesHint')}>
            <Select
              mode="multiple"
              allowClear
              showSearch
              options={(provinces.data ?? []).map((p) => ({ value: p, label: p }))}
            />
          </Form.Item>
          <Form.Item name="dealer" label={t('territory.dealer')}>
            <Input maxLength={100} />
          </Form.Item>
        </>
      )}
    </FormDrawer>
  );
}
