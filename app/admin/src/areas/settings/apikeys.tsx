import { Button, Form, Input, Select, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Row, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { Can, Copy, Danger, DataTable, FormDrawer, formatCount, NumberInput, Page, StateTag, Time, Trail } from '@/ui';
import { Once, Reason } from './parts';

type Key = Row<'/apikeys'>;
type Draft = { name: string; permissions: string[]; person_kinds?: string; per_minute: number; reason?: string };
const permissions = ['events:write', 'events:read', 'orders:write', 'scores:write'];

/** Who may report through the open API (接口密钥). */
export function Component() {
  const { t } = useTranslation('settings');
  const brandID = useBrandID();
  const [open, setOpen] = useState(false);
  const [made, setMade] = useState<[string, string][] | null>(null);
  const invalidate = ['/apikeys', '/audit', '/trails'];
  const create = useWrite('post', '/apikeys', { invalidate, quiet: true });
  const rotate = useWrite('post', '/apikeys/{id}/rotate', { invalidate, quiet: true });
  const revoke = useWrite('post', '/apikeys/{id}/revoke', { invalidate, quiet: true, done: t('apikeys.revoked') });
  const show = (k: { access: string; secret: string }) =>
    setMade([
      [t('apikeys.access'), k.access],
      [t('apikeys.secret'), k.secret],
    ]);
  const button = (
    <Can do="apikey:write">
      <Button type="primary" disabled={!brandID} onClick={() => setOpen(true)}>
        {t('apikeys.new')}
      </Button>
    </Can>
  );
  return (
    <Page title={t('apikeys.title')} about={t('apikeys.about')} actions={button}>
      <DataTable
        id="apikeys"
        path="/apikeys"
        params={{ query: { brand_id: brandID } }}
        enabled={brandID !== ''}
        columns={[
          { key: 'name', title: t('apikeys.name'), render: (k: Key) => k.name },
          { key: 'access', title: t('apikeys.access'), render: (k) => <Copy text={k.access} /> },
          {
            key: 'permissions',
            title: t('apikeys.permissions'),
            render: (k) => k.permissions.map((p) => <Tag key={p}>{t(`apikeys.may.${p.replace(':', '_')}`)}</Tag>),
          },
          { key: 'rate', title: t('apikeys.rate'), align: 'right', render: (k) => formatCount(k.per_minute) },
          {
            key: 'state',
            title: t('staff.state'),
            render: (k) => (
              <StateTag
                state={k.state}
                labels={{ revoked: t('apikeys.off') }}
                tone={k.state === 'revoked' ? 'red' : undefined}
              />
            ),
          },
          { key: 'used', title: t('apikeys.used'), render: (k) => <Time at={k.used_at} /> },
          { key: 'created', title: t('brands.created'), render: (k) => <Time at={k.created_at} />, hidden: true },
        ]}
        expand={(k) => <Trail object="apikey" id={k.id} />}
        actions={(k) =>
          k.state === 'active' ? (
            <Can do="apikey:write">
              <Danger
                trigger={
                  <Button type="link" size="small">
                    {t('apikeys.rotate')}
                  </Button>
                }
                danger={false}
                title={t('apikeys.rotateTitle', { name: k.name })}
                consequence={t('apikeys.rotateText')}
                reason
                onConfirm={async ({ reason }) =>
                  show(await rotate.mutateAsync({ params: { path: { id: k.id } }, body: { keep_hours: 24, reason } }))
                }
              />
              <Danger
                trigger={
                  <Button type="link" size="small" danger>
                    {t('apikeys.revoke')}
                  </Button>
                }
                title={t('apikeys.revokeTitle', { name: k.name })}
                consequence={t('apikeys.revokeText')}
                name={k.name}
                reason
                onConfirm={({ reason }) => revoke.mutateAsync({ params: { path: { id: k.id } }, body: { reason } })}
              />
            </Can>
          ) : null
        }
        empty={{ title: t('apikeys.empty'), text: t('apikeys.about'), action: button, example: t('apikeys.example') }}
      />
      <FormDrawer<Draft>
        title={t('apikeys.new')}
        open={open}
        onClose={() => setOpen(false)}
        initial={{ permissions: ['events:write'], per_minute: 600 }}
        onSubmit={async ({ person_kinds, ...v }) =>
          show(
            await create.mutateAsync({
              body: { ...v, brand_id: brandID, person_kinds: (person_kinds ?? '').split(/[\s,，]+/).filter(Boolean) },
            }),
          )
        }
      >
        <Form.Item name="name" label={t('apikeys.name')} rules={[{ required: true, message: t('brands.nameNeeded') }]}>
          <Input maxLength={64} placeholder={t('apikeys.namePlace')} />
        </Form.Item>
        <Form.Item
          name="permissions"
          label={t('apikeys.permissions')}
          rules={[{ required: true, message: t('apikeys.mayNeeded') }]}
        >
          <Select
            mode="multiple"
            options={permissions.map((p) => ({ value: p, label: t(`apikeys.may.${p.replace(':', '_')}`) }))}
          />
        </Form.Item>
        <Form.Item name="person_kinds" label={t('apikeys.kinds')} extra={t('apikeys.kindsHint')}>
          <Input spellCheck={false} placeholder="phone, crm:tmall" />
        </Form.Item>
        <Form.Item name="per_minute" label={t('apikeys.rate')}>
          <NumberInput min={1} max={60_000} style={{ width: 160 }} />
        </Form.Item>
        <Reason />
      </FormDrawer>
      <Once title={t('apikeys.made')} lines={made} onClose={() => setMade(null)} />
    </Page>
  );
}
