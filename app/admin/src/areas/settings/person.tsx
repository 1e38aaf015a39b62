import { Button, Form, Input, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { useGet, useWrite } from '@/api';
import { useMe } from '@/app/session';
import { Broken, Can, Danger, Detail, FormDrawer, Page, Section, StateTag, Table, Time, Trail, Waiting } from '@/ui';
import { Once, PasswordField, Reason, useBrandOptions, useRoleOptions } from './parts';

type Change = { name: string; roles: string[]; brand_ids: string[]; reason?: string };

/** One operator: what he may do, where he is logged in, what was done to his account. */
export function Component() {
  const { t } = useTranslation('settings');
  const { t: app } = useTranslation('app');
  const { id = '' } = useParams();
  const { me } = useMe();
  const at = { params: { path: { id } } };
  const { data: p, dataUpdatedAt, error, refetch } = useGet('/operators/{id}', at);
  const roles = useRoleOptions();
  const brands = useBrandOptions();
  const [editing, setEditing] = useState(false);
  const [resetting, setResetting] = useState(false);
  const [made, setMade] = useState<[string, string][] | null>(null);
  const [form] = Form.useForm<{ password: string; reason: string }>();
  const invalidate = ['/operators', '/trails', '/audit'];
  const change = useWrite('put', '/operators/{id}', { invalidate, quiet: true });
  const setPassword = useWrite('post', '/operators/{id}/password', { invalidate, quiet: true });
  const resetTotp = useWrite('post', '/operators/{id}/totp/reset', {
    invalidate,
    quiet: true,
    done: t('staff.totpReset'),
  });
  if (error && !p) return <Broken error={error} again={() => void refetch()} />;
  if (!p) return <Waiting />;
  const self = me.operator.id === p.id;
  const body = { name: p.name, roles: p.roles, state: p.state, brand_ids: p.brand_ids };
  return (
    <Page
      title={p.name}
      trail={[{ title: t('staff.title'), to: '/settings/staff' }]}
      tag={<StateTag state={p.state} />}
      actions={
        <Can do="operator:write">
          <Button type="primary" onClick={() => setEditing(true)}>
            {t('edit')}
          </Button>
          <Button onClick={() => setResetting(true)}>{t('staff.setPassword')}</Button>
          {p.totp ? (
            <Danger
              trigger={<Button>{t('staff.resetTotp')}</Button>}
              title={t('staff.resetTotpTitle', { name: p.name })}
              consequence={t('staff.resetTotpText')}
              reason
              onConfirm={({ reason }) => resetTotp.mutateAsync({ ...at, body: { reason } })}
            />
          ) : null}
          {self ? null : (
            <Danger
              trigger={
                <Button danger={p.state === 'active'}>
                  {t(p.state === 'active' ? 'staff.disable' : 'staff.enable')}
                </Button>
              }
              danger={p.state === 'active'}
              title={t(p.state === 'active' ? 'staff.disableTitle' : 'staff.enableTitle', { name: p.name })}
              consequence={p.state === 'active' ? t('staff.disableText') : undefined}
              reason
              onConfirm={({ reason }) =>
                change.mutateAsync({
                  ...at,
                  body: { ...body, state: p.state === 'active' ? 'disabled' : 'active', reason },
                  seen: dataUpdatedAt,
                })
              }
            />
          )}
        </Can>
      }
    >
      <Section>
        <Detail
          items={[
            { label: t('staff.login'), value: p.login },
            { label: t('staff.roles'), value: p.roles.map((r) => app(`roles.${r}`, { defaultValue: r })).join(' / ') },
            {
              label: t('staff.scope'),
              value:
                p.brand_ids.length === 0
                  ? t('staff.allBrands')
                  : p.brand_ids.map((b) => brands.find((o) => o.value === b)?.label ?? b).join(' / '),
            },
            {
              label: t('staff.totp'),
              value: <StateTag state={p.totp ? 'on' : 'off'} tone={p.totp ? 'green' : 'orange'} />,
            },
            { label: t('staff.created'), value: <Time at={p.created_at} /> },
            p.locked_until ? { label: t('staff.locked'), value: <Time at={p.locked_until} /> } : null,
          ]}
        />
      </Section>
      <Sessions id={id} />
      <Trail object="operator" id={p.id} />
      <FormDrawer<Change>
        title={t('staff.editTitle', { name: p.name })}
        open={editing}
        onClose={() => setEditing(false)}
        initial={{ name: p.name, roles: p.roles, brand_ids: p.brand_ids.filter((b): b is string => b !== null) }}
        seen={dataUpdatedAt}
        onSubmit={(v, seen) => change.mutateAsync({ ...at, body: { ...body, ...v }, seen })}
      >
        <Form.Item name="name" label={t('staff.name')} rules={[{ required: true, message: t('staff.nameNeeded') }]}>
          <Input maxLength={64} />
        </Form.Item>
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
        <Reason />
      </FormDrawer>
      <FormDrawer<{ password: string; reason: string }>
        title={t('staff.setPasswordTitle', { name: p.name })}
        open={resetting}
        onClose={() => setResetting(false)}
        form={form}
        onSubmit={async (v) => {
          await setPassword.mutateAsync({ ...at, body: { old_password: '', password: v.password, reason: v.reason } });
          setMade([
            [t('staff.login'), p.login],
            [t('staff.password'), v.password],
          ]);
        }}
      >
        <p>{t('staff.setPasswordText')}</p>
        <PasswordField onMake={(password) => form.setFieldsValue({ password })} />
        <Reason required />
      </FormDrawer>
      <Once title={t('staff.made')} lines={made} onClose={() => setMade(null)} />
    </Page>
  );
}

function Sessions({ id }: { id: string }) {
  const { t } = useTranslation('settings');
  const { t: app } = useTranslation('app');
  const { data } = useGet('/operators/{id}/sessions', { params: { path: { id } } });
  const end = useWrite('delete', '/operators/{id}/sessions/{session}', {
    invalidate: ['/operators', '/trails'],
    done: app('account.sessions.ended'),
  });
  return (
    <Section title={app('account.sessions.title')}>
      <Table
        rows={data ?? []}
        columns={[
          { key: 'ip', title: app('account.sessions.ip'), render: (l) => l.ip },
          { key: 'since', title: app('account.sessions.since'), render: (l) => <Time at={l.created_at} /> },
          { key: 'seen', title: app('account.sessions.seen'), render: (l) => <Time at={l.seen_at} /> },
        ]}
        actions={(l) => (
          <Can do="operator:write">
            <Button size="small" onClick={() => end.mutate({ params: { path: { id, session: l.id } } })}>
              {app('account.sessions.end')}
            </Button>
          </Can>
        )}
        empty={t('staff.noSessions')}
      />
    </Section>
  );
}
