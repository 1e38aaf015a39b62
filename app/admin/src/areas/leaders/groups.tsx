import { Button, Form, Input, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { type Body, type Row, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { Can, DataTable, FormDrawer, formatCount, NumberInput, Page, StateTag, Time } from '@/ui';
import { Alarms, Capacity, Policy, Templates } from './groupTabs';
import { Tabs, useOptions, useWords } from './parts';
import { useLeaders } from './sources';

type Group = Row<'/groups'>;
type Draft = Body<'post', '/groups'>;

export function Component() {
  const { t } = useTranslation('leaders');
  return (
    <Page title={t('menu.groups')} about={t('groups.about')}>
      <Tabs
        tabs={[
          { key: 'list', label: t('groups.list'), content: () => <List /> },
          { key: 'alarms', label: t('groups.alarms'), content: () => <Alarms /> },
          { key: 'capacity', label: t('groups.capacity'), content: () => <Capacity /> },
          { key: 'templates', label: t('groups.templates'), content: () => <Templates /> },
          { key: 'policy', label: t('groups.policy'), content: () => <Policy /> },
        ]}
      />
    </Page>
  );
}

function List() {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const states = useWords('groupState');
  const kinds = useWords('groupKind');
  const leaders = useLeaders();
  const [open, setOpen] = useState(false);
  const create = (
    <Can do="group:write">
      <Button type="primary" onClick={() => setOpen(true)}>
        {t('groups.create')}
      </Button>
    </Can>
  );
  return (
    <>
      <DataTable
        id="leaders.groups"
        path="/groups"
        enabled={Boolean(brand)}
        params={{ query: { brand_id: brand } }}
        to={(g: Group) => `/leaders/groups/${g.id}`}
        exportAs="groups"
        toolbar={create}
        filters={[
          { name: 'name', label: t('groups.name'), kind: 'text' },
          { name: 'state', label: t('people.state'), kind: 'select', options: useOptions('groupState') },
          { name: 'kind', label: t('groups.kind'), kind: 'select', options: useOptions('groupKind') },
          { name: 'leader_id', label: t('role.leader'), kind: 'select', options: leaders },
        ]}
        columns={[
          { key: 'name', title: t('groups.name'), render: (g) => g.name },
          { key: 'kind', title: t('groups.kind'), render: (g) => kinds[g.kind] ?? g.kind },
          { key: 'leader', title: t('role.leader'), render: (g) => g.leader_name || t('groups.office') },
          {
            key: 'state',
            title: t('people.state'),
            render: (g) => <StateTag state={g.state} labels={states} tone={groupTone(g.state)} />,
          },
          {
            key: 'size',
            title: t('groups.size'),
            about: t('groups.sizeAbout'),
            align: 'right',
            render: (g) =>
              `${formatCount(g.size)}${g.pending ? ` +${g.pending}` : ''} / ${formatCount(g.scan_capacity)}`,
          },
          {
            key: 'city',
            title: t('groups.city'),
            render: (g) => [g.province, g.city].filter(Boolean).join(' ') || '—',
          },
          {
            key: 'qr',
            title: t('groups.qrExpires'),
            render: (g) =>
              g.qr ? g.qr_expires_at ? <Time at={g.qr_expires_at} /> : t('groups.qrForever') : t('groups.noQR'),
          },
        ]}
        empty={{ title: t('groups.empty'), text: t('groups.emptyText'), action: create, example: t('groups.example') }}
      />
      <GroupDrawer open={open} onClose={() => setOpen(false)} />
    </>
  );
}

export function groupTone(state: string): 'green' | 'orange' | 'red' | 'grey' {
  return ({ open: 'green', full: 'orange', expired: 'red' } as const)[state] ?? 'grey';
}

/** GroupDrawer makes a community, changes one, or makes one of a template. */
export function GroupDrawer({
  group,
  seen,
  template,
  open,
  onClose,
}: {
  group?: Group;
  /** When it was read. */
  seen?: number;
  template?: { id: string; name: string };
  open: boolean;
  onClose: () => void;
}) {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const navigate = useNavigate();
  const leaders = useLeaders();
  const options = { invalidate: ['/groups'], quiet: true, done: t('done.saved') };
  const goTo = (g: { id: string }) => navigate(`/leaders/groups/${g.id}`);
  const create = useWrite('post', '/groups', { ...options, onDone: goTo });
  const update = useWrite('put', '/groups/{id}', options);
  const clone = useWrite('post', '/group-templates/{id}/clone', { ...options, onDone: goTo });
  return (
    <FormDrawer<Draft>
      title={group ? t('groups.edit') : template ? t('groups.clone', { name: template.name }) : t('groups.create')}
      open={open}
      onClose={onClose}
      initial={
        group
          ? {
              name: group.name,
              leader_id: group.leader_id ?? undefined,
              owner_name: group.owner_name,
              province: group.province,
              city: group.city,
              capacity: group.capacity,
            }
          : { capacity: 200 }
      }
      seen={seen}
      onSubmit={(v, seen) => {
        const body = { ...v, brand_id: brand };
        if (group) return update.mutateAsync({ params: { path: { id: group.id } }, body, seen });
        return template
          ? clone.mutateAsync({ params: { path: { id: template.id } }, body })
          : create.mutateAsync({ body });
      }}
    >
      <Form.Item name="name" label={t('groups.name')} rules={[{ required: true, message: t('form.needed') }]}>
        <Input maxLength={64} />
      </Form.Item>
      <Form.Item name="leader_id" label={t('role.leader')} extra={t('groups.leaderHelp')}>
        <Select allowClear showSearch={{ optionFilterProp: 'label' }} options={leaders} />
      </Form.Item>
      <Form.Item name="owner_name" label={t('groups.owner')}>
        <Input maxLength={64} />
      </Form.Item>
      <Form.Item name="province" label={t('groups.province')}>
        <Input maxLength={32} />
      </Form.Item>
      <Form.Item name="city" label={t('groups.city')}>
        <Input maxLength={32} />
      </Form.Item>
      <Form.Item name="capacity" label={t('groups.capacityLabel')} extra={t('groups.capacityHelp')}>
        <NumberInput min={1} max={500} style={{ width: '100%' }} />
      </Form.Item>
    </FormDrawer>
  );
}
