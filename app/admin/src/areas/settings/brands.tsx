import { Button, Form, type FormInstance, Input, Switch } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Row, useWrite } from '@/api';
import { Can, DataTable, FormDrawer, Page, Time } from '@/ui';
import { Reason } from './parts';

type Brand = Row<'/brands'>;
export type BrandForm = {
  name: string;
  slug: string;
  code_host: string;
  upper_url: boolean;
  support_phone: string;
  reason?: string;
};

/** The brands of the house. */
export function Component() {
  const { t } = useTranslation('settings');
  const [open, setOpen] = useState(false);
  const create = useWrite('post', '/brands', { invalidate: ['/brands'], quiet: true, done: t('saved') });
  const button = (
    <Can do="brand:write">
      <Button type="primary" onClick={() => setOpen(true)}>
        {t('brands.new')}
      </Button>
    </Can>
  );
  return (
    <Page title={t('brands.title')} about={t('brands.about')} actions={button}>
      <DataTable
        id="brands"
        path="/brands"
        to={(b: Brand) => `/settings/brands/${b.id}`}
        columns={[
          { key: 'name', title: t('brands.name'), render: (b) => b.name },
          { key: 'slug', title: t('brands.slug'), render: (b) => b.slug },
          { key: 'host', title: t('brands.host'), render: (b) => b.code_host },
          { key: 'phone', title: t('brands.phone'), render: (b) => b.support_phone || '—' },
          { key: 'created', title: t('brands.created'), render: (b) => <Time at={b.created_at} /> },
        ]}
        empty={{ title: t('brands.empty'), text: t('brands.about'), action: button, example: t('brands.example') }}
      />
      <FormDrawer<BrandForm>
        title={t('brands.new')}
        open={open}
        onClose={() => setOpen(false)}
        initial={{ upper_url: true, support_phone: '' }}
        onSubmit={(v) => create.mutateAsync({ body: v })}
      >
        {(form) => <BrandFields form={form} fresh />}
      </FormDrawer>
    </Page>
  );
}

export function BrandFields({ fresh }: { form: FormInstance<BrandForm>; fresh?: boolean }) {
  const { t } = useTranslation('settings');
  return (
    <>
      <Form.Item name="name" label={t('brands.name')} rules={[{ required: true, message: t('brands.nameNeeded') }]}>
        <Input maxLength={64} />
      </Form.Item>
      {fresh ? (
        <Form.Item
          name="slug"
          label={t('brands.slug')}
          extra={t('brands.slugHint')}
          rules={[{ required: true, pattern: /^[a-z0-9][a-z0-9-]{0,31}$/, message: t('brands.slugForm') }]}
        >
          <Input maxLength={32} spellCheck={false} />
        </Form.Item>
      ) : null}
      <Form.Item
        name="code_host"
        label={t('brands.host')}
        extra={t('brands.hostHint')}
        rules={[{ required: true, message: t('brands.hostNeeded') }]}
      >
        <Input spellCheck={false} placeholder="q.brand.cn" />
      </Form.Item>
      <Form.Item name="upper_url" label={t('brands.upper')} extra={t('brands.upperHint')} valuePropName="checked">
        <Switch />
      </Form.Item>
      <Form.Item name="support_phone" label={t('brands.phone')} extra={t('brands.phoneHint')}>
        <Input maxLength={32} inputMode="tel" />
      </Form.Item>
      <Reason />
    </>
  );
}
