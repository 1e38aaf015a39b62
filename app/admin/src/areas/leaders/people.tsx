import { Button, Form, Input, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Row, useGet, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { Can, DataTable, FormDrawer, Page, StateTag, Time } from '@/ui';
import { useOptions, useWords } from './parts';

type Leader = Row<'/leaders'>;

export function Component() {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const states = useWords('leaderState');
  const roles = useWords('role');
  const [open, setOpen] = useState(false);
  const programme = useGet('/brands/{id}/leader-programme', {
    params: { path: { id: brand } },
    enabled: Boolean(brand),
  });
  const levels = programme.data?.levels ?? [];
  const appoint = useWrite('post', '/leaders', { invalidate: ['/leaders'], done: t('people.appointed'), quiet: true });
  return (
    <Page
      title={t('menu.people')}
      about={t('people.about')}
      watermark
      actions={
        <Can do="leader:approve">
          <Button type="primary" onClick={() => setOpen(true)}>
            {t('people.appoint')}
          </Button>
        </Can>
      }
    >
      <DataTable
        id="leaders.people"
        path="/leaders"
        enabled={Boolean(brand)}
        params={{ query: { brand_id: brand } }}
        to={(l: Leader) => `/leaders/people/${l.id}`}
        exportAs="leaders"
        filters={[
          { name: 'name', label: t('people.name'), kind: 'text' },
          { name: 'state', label: t('people.state'), kind: 'select', options: useOptions('leaderState') },
          { name: 'role', label: t('people.role'), kind: 'select', options: useOptions('leaderRole') },
          {
            name: 'level',
            label: t('people.level'),
            kind: 'select',
            options: levels.map((l, i) => ({ value: String(i + 1), label: l.name })),
          },
        ]}
        columns={[
          { key: 'name', title: t('people.name'), render: (l) => l.name },
          { key: 'role', title: t('people.role'), render: (l) => roles[l.role] ?? l.role },
          { key: 'state', title: t('people.state'), render: (l) => <StateTag state={l.state} labels={states} /> },
          {
            key: 'level',
            title: t('people.level'),
            render: (l) => (l.role === 'leader' && l.level ? (levels[l.level - 1]?.name ?? l.level) : '—'),
          },
          { key: 'region', title: t('people.region'), render: (l) => l.region || l.shop_name || '—' },
          {
            key: 'signed',
            title: t('people.signed'),
            render: (l) => (l.signed_version ? `v${l.signed_version}` : '—'),
          },
          { key: 'active', title: t('people.since'), render: (l) => <Time at={l.active_at} /> },
          { key: 'created', title: t('people.created'), render: (l) => <Time at={l.created_at} />, hidden: true },
        ]}
        empty={{ title: t('people.empty'), text: t('people.emptyText'), example: t('people.example') }}
      />
      <FormDrawer<{
        role: string;
        member_id: string;
        name: string;
        shop_name?: string;
        employee_no: string;
        reason: string;
      }>
        title={t('people.appoint')}
        open={open}
        onClose={() => setOpen(false)}
        initial={{ role: 'clerk' }}
        onSubmit={(v) => appoint.mutateAsync({ body: { ...v, brand_id: brand } })}
      >
        <p className="muted">{t('people.appointAbout')}</p>
        <Form.Item name="role" label={t('people.role')}>
          <Select options={['clerk', 'staff'].map((v) => ({ value: v, label: roles[v] }))} />
        </Form.Item>
        <Form.Item
          name="member_id"
          label={t('people.member')}
          extra={t('people.memberHelp')}
          rules={[{ required: true, pattern: /^\d+$/, message: t('form.memberID') }]}
        >
          <Input inputMode="numeric" />
        </Form.Item>
        <Form.Item name="name" label={t('people.name')} rules={[{ required: true, message: t('form.needed') }]}>
          <Input maxLength={20} />
        </Form.Item>
        <Form.Item name="shop_name" label={t('people.shop')}>
          <Input maxLength={40} />
        </Form.Item>
        <Form.Item
          name="employee_no"
          label={t('people.employee')}
          rules={[{ required: true, message: t('form.needed') }]}
        >
          <Input maxLength={32} />
        </Form.Item>
        <Form.Item name="reason" label={t('form.reason')} rules={[{ required: true, message: t('form.needed') }]}>
          <Input maxLength={200} />
        </Form.Item>
      </FormDrawer>
    </Page>
  );
}
