import { Button, Form, Input, Select, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Row, useWrite } from '@/api';
import { Can, DataTable, FormDrawer, Page, StateTag, Time } from '@/ui';
import { Once, PasswordField, useBrandOptions, useRoleOptions } from './parts';

type Person = Row<'/operators'>;
type Draft = { login: string; name: string; roles: string[]; brand_ids?: string[]; password: string };

/** Who may log in (员工). */
export function Component() {
  const { t } = useTranslation('settings');
  const { t: app } = useTranslation('app');
  const [open, setOpen] = useState(false);
  const [made, setMade] = useState<[string, string][] | null>(null);
  const [form] = Form.useForm<Draft>();
  const roles = useRoleOptions();
  const brands = useBrandOptions();
  const create = useWrite('post', '/operators', { invalidate: ['/operators'], quiet: true });
  const button = (
    <Can do="operator:write">
      <Button type="primary" onClick={() => setOpen(true)}>
        {t('staff.new')}
      </Button>
    </Can>
  );
  return (
    <Page title={t('staff.title')} about={t('staff.about')} actions={button}>
      <DataTable
        id="operators"
        path="/operators"
        to={(p: Person) => `/settings/staff/${p.id}`}
        columns={[
          { key: 'name', title: t('staff.name'), render: (p) => p.name },
          { key: 'login', title: t('staff.login'), render: (p) => p.login },
          {
            key: 'roles',
            title: t('staff.roles'),
            render: (p) => p.roles.map((r) => <Tag key={r}>{app(`roles.${r}`, { defaultValue: r })}</Tag>),
          },
          {
            key: 'brands',
            title: t('staff.scope'),
            render: (p) =>
              p.brand_ids.length === 0
                ? t('staff.allBrands')
                : p.brand_ids.map((b) => brands.find((o) => o.value === b)?.label ?? b).join(' / '),
          },
          { key: 'state', title: t('staff.state'), render: (p) => <StateTag state={p.state} /> },
          {
            key: 'totp',
            title: t('staff.totp'),
            render: (p) => <StateTag state={p.totp ? 'on' : 'off'} tone={p.totp ? 'green' : 'orange'} />,
          },
          { key: 'created', title: t('staff.created'), render: (p) => <Time at={p.created_at} />, hidden: true },
        ]}
        empty={{ title: t('staff.empty'), text: t('staff.about'), action: button, example: t('staff.example') }}
      />
      <FormDrawer<Draft>
        title={t('staff.new')}
        open={open}
        onClose={() => setOpen(false)}
        form={form}
        onSubmit={async (v) => {
          await create.mutateAsync({ body: { ...v, login: v.login.trim(), brand_ids: v.brand_ids ?? [] } });
          setMade([
            [t('staff.login'), v.login.trim()],
            [t('staff.password'), v.password],
          ]);
        }}
      >
        <Form.Item name="name" label={t('staff.name')} rules={[{ required: true, message: t('staff.nameNeeded') }]}>
          <Input maxLength={64} autoComplete="off" />
        </Form.Item>
        <Form.Item
          name="login"
          label={t('staff.login')}
          extra={t('staff.loginHint')}
          rules={[{ required: true, message: t('staff.loginNeeded') }]}
        >
          <Input maxLength={64} autoComplete="off" spellCheck={false} />
        </Form.Item>
        <PasswordField onMake={(password) => form.setFieldsValue({ password })} />
        <Form.Item
          name="roles"
          label={t('staff.roles')}
          extra={t('staff.rolesHint')}
          rules={[{ required: true, message: t('staff.rolesNeeded') }]}
        >
          <Select mode="multiple" options={roles} optionFilterProp="label" />
        </Form.Item>
        <Form.Item name="brand_ids" label={t('staff.scope')} extra={t('staff.scopeHint')}>
          <Select
            mode="multiple"
            allowClear
            options={brands}
            optionFilterProp="label"
            placeholder={t('staff.allBrands')}
          />
        </Form.Item>
      </FormDrawer>
      <Once title={t('staff.made')} lines={made} onClose={() => setMade(null)} />
    </Page>
  );
}
