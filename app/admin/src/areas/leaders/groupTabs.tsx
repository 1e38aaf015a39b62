import { Button, Form, Input, Progress, Space } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { type Body, type Row, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { spoken } from '@/i18n/server';
import { Can, DataTable, FormDrawer, StateTag, Time } from '@/ui';
import { GroupDrawer } from './groups';
import { Act, BrandRules, useOptions, useWords } from './parts';

type Template = Row<'/group-templates'>;
type TemplateForm = Omit<Body<'post', '/group-templates'>, 'tasks'> & { tasks?: string };

export function Alarms() {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const can = useCan();
  const states = useWords('alarmState');
  const kinds = useWords('alarmKind');
  return (
    <DataTable
      id="leaders.alarms"
      path="/group-alarms"
      enabled={Boolean(brand)}
      params={{ query: { brand_id: brand } }}
      filters={[{ name: 'state', label: t('people.state'), kind: 'select', options: useOptions('alarmState') }]}
      columns={[
        { key: 'kind', title: t('fraud.kind'), render: (a) => kinds[a.kind] ?? a.kind },
        {
          key: 'text',
          title: t('alarms.text'),
          render: (a) => {
            const to = a.community_id
              ? `/leaders/groups/${a.community_id}`
              : a.live_code_id
                ? `/leaders/live-codes/${a.live_code_id}`
                : '';
            return (
              <span style={{ whiteSpace: 'normal', display: 'inline-block', maxWidth: 560 }}>
                {a.text} {to ? <Link to={to}>{t('alarms.open')}</Link> : null}
              </span>
            );
          },
        },
        {
          key: 'state',
          title: t('people.state'),
          render: (a) => <StateTag state={a.state} labels={states} tone={a.state === 'open' ? 'orange' : 'grey'} />,
        },
        { key: 'at', title: t('accrual.at'), render: (a) => <Time at={a.created_at} /> },
        { key: 'note', title: t('alarms.note'), render: (a) => a.note || '—' },
      ]}
      actions={
        can('group:write')
          ? (a) =>
              a.state === 'open' ? (
                <Act
                  method="post"
                  path="/group-alarms/{id}/done"
                  id={a.id}
                  danger={false}
                  body={(v) => ({ note: (v.note as string | undefined) ?? '' })}
                  invalidate={['/group-alarms']}
                  done={t('alarms.handled')}
                  trigger={
                    <Button type="link" size="small">
                      {t('alarms.done')}
                    </Button>
                  }
                  title={t('alarms.doneTitle')}
                  consequence={spoken(a.text)}
                >
                  <Form.Item name="note" label={t('alarms.note')}>
                    <Input maxLength={200} />
                  </Form.Item>
                </Act>
              ) : null
          : undefined
      }
      empty={{ title: t('alarms.empty'), text: t('alarms.emptyText'), example: t('alarms.example') }}
    />
  );
}

/** Capacity holds what leaders look after against what one person can (150). */
export function Capacity() {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  return (
    <DataTable
      id="leaders.capacity"
      path="/group-capacity"
      enabled={Boolean(brand)}
      params={{ query: { brand_id: brand } }}
      rowKey={(l) => l.leader_id ?? ''}
      to={(l) => `/leaders/people/${l.leader_id}`}
      columns={[
        { key: 'name', title: t('people.name'), render: (l) => l.name },
        {
          key: 'used',
          title: t('capacity.used'),
          about: t('capacity.usedAbout'),
          render: (l) => (
            <Progress
              style={{ minWidth: 160, marginBottom: 0 }}
              percent={Math.min(100, l.used_percent)}
              status={l.over ? 'exception' : 'normal'}
              aria-label={t('capacity.used')}
              format={() => `${Math.max(l.direct, l.in_groups)} / ${l.limit}`}
            />
          ),
        },
        { key: 'direct', title: t('leader.direct'), align: 'right', render: (l) => l.direct },
        { key: 'groups', title: t('capacity.groups'), align: 'right', render: (l) => l.communities },
        { key: 'in', title: t('capacity.inGroups'), align: 'right', render: (l) => l.in_groups },
        {
          key: 'advice',
          title: t('capacity.advice'),
          render: (l) =>
            l.advice ? (
              <div style={{ whiteSpace: 'normal', maxWidth: 420 }}>
                {spoken(l.advice)}
                {l.branches.slice(0, 3).map((b) => (
                  <div key={b.member_id}>
                    <Link to={`/leaders/tree?member=${b.member_id}`}>{b.name}</Link>{' '}
                    <span className="muted">
                      {t('capacity.branch', { n: b.direct, city: b.cities.find((c) => c.city)?.city ?? '' })}
                    </span>
                  </div>
                ))}
              </div>
            ) : (
              <span className="muted">{t(l.active ? 'capacity.room' : 'leaderState.suspended')}</span>
            ),
        },
      ]}
      empty={{ title: t('capacity.empty'), text: t('capacity.emptyText') }}
    />
  );
}

export function Templates() {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const [editing, setEditing] = useState<Template | 'new' | null>(null);
  const [seen, setSeen] = useState(0);
  const [cloning, setCloning] = useState<Template | null>(null);
  const options = { invalidate: ['/group-templates'], quiet: true, done: t('done.saved') };
  const create = useWrite('post', '/group-templates', options);
  const update = useWrite('put', '/group-templates/{id}', options);
  const old = editing !== 'new' ? editing : null;
  const make = (
    <Can do="group:write">
      <Button type="primary" onClick={() => setEditing('new')}>
        {t('template.create')}
      </Button>
    </Can>
  );
  return (
    <>
      <DataTable
        id="leaders.templates"
        path="/group-templates"
        enabled={Boolean(brand)}
        params={{ query: { brand_id: brand } }}
        toolbar={make}
        columns={[
          { key: 'name', title: t('template.name'), render: (x) => x.name },
          {
            key: 'welcome',
            title: t('template.welcome'),
            render: (x) => <span style={{ whiteSpace: 'normal' }}>{x.welcome || '—'}</span>,
          },
          { key: 'materials', title: t('template.materials'), align: 'right', render: (x) => x.materials.length },
          { key: 'tasks', title: t('template.tasks'), align: 'right', render: (x) => x.tasks.length },
          { key: 'at', title: t('rulesForm.changed'), render: (x) => <Time at={x.updated_at} /> },
        ]}
        actions={(x, at) => (
          <Can do="group:write">
            <Button type="link" size="small" onClick={() => setCloning(x)}>
              {t('template.clone')}
            </Button>
            <Button
              type="link"
              size="small"
              onClick={() => {
                setSeen(at);
                setEditing(x);
              }}
            >
              {t('template.edit')}
            </Button>
          </Can>
        )}
        empty={{
          title: t('template.empty'),
          text: t('template.emptyText'),
          action: make,
          example: t('template.example'),
        }}
      />
      <FormDrawer<TemplateForm>
        title={t(old ? 'template.edit' : 'template.create')}
        open={editing !== null}
        onClose={() => setEditing(null)}
        width={640}
        initial={old ? { ...old, tasks: old.tasks.join('\n') } : { materials: [] }}
        seen={seen}
        onSubmit={(v, seen) => {
          const body = {
            name: v.name,
            welcome: v.welcome ?? '',
            materials: v.materials ?? [],
            tasks: (v.tasks ?? '')
              .split('\n')
              .map((s) => s.trim())
              .filter(Boolean),
          };
          return old
            ? update.mutateAsync({ params: { path: { id: old.id } }, body, seen })
            : create.mutateAsync({ body: { ...body, brand_id: brand } });
        }}
      >
        <Form.Item name="name" label={t('template.name')} rules={[{ required: true, message: t('form.needed') }]}>
          <Input maxLength={64} />
        </Form.Item>
        <Form.Item name="welcome" label={t('template.welcome')}>
          <Input.TextArea rows={3} maxLength={1000} showCount />
        </Form.Item>
        <Form.List name="materials">
          {(fields, { add, remove }) => (
            <>
              {fields.map((f) => (
                <div key={f.key} className="card" style={{ marginBottom: 12 }}>
                  <Form.Item
                    name={[f.name, 'title']}
                    label={t('work.title')}
                    rules={[{ required: true, message: t('form.needed') }]}
                  >
                    <Input maxLength={60} />
                  </Form.Item>
                  <Form.Item name={[f.name, 'text']} label={t('work.text')}>
                    <Input.TextArea rows={2} maxLength={1000} />
                  </Form.Item>
                  <Form.Item name={[f.name, 'url']} label={t('work.link')}>
                    <Input placeholder="https://" />
                  </Form.Item>
                  <Button size="small" danger onClick={() => remove(f.name)}>
                    {t('template.removeMaterial')}
                  </Button>
                </div>
              ))}
              <Space style={{ marginBottom: 16 }}>
                <Button onClick={() => add({})}>{t('template.addMaterial')}</Button>
              </Space>
            </>
          )}
        </Form.List>
        <Form.Item name="tasks" label={t('template.tasks')} extra={t('template.tasksHelp')}>
          <Input.TextArea rows={3} />
        </Form.Item>
      </FormDrawer>
      <GroupDrawer template={cloning ?? undefined} open={cloning !== null} onClose={() => setCloning(null)} />
    </>
  );
}

export function Policy() {
  const { t } = useTranslation('leaders');
  const people = t('unit.people');
  return (
    <BrandRules
      path="/brands/{id}/group-policy"
      permission="group:write"
      object="group_policy"
      title={t('groups.policy')}
      about={t('groupPolicy.about')}
      rules={[
        {
          name: 'scan_limit',
          label: t('groupPolicy.scan'),
          kind: 'number',
          min: 1,
          unit: people,
          help: t('groupPolicy.scanHelp'),
        },
        { name: 'ceiling', label: t('groupPolicy.ceiling'), kind: 'number', min: 1, unit: people },
        {
          name: 'qr_days',
          label: t('groupPolicy.days'),
          kind: 'number',
          min: 1,
          unit: t('unit.days'),
          help: t('groupPolicy.daysHelp'),
        },
        { name: 'warn_hours', label: t('groupPolicy.warnHours'), kind: 'number', min: 1, unit: t('unit.hours') },
        { name: 'warn_percent', label: t('groupPolicy.warnPercent'), kind: 'number', min: 1, max: 100, unit: '%' },
        {
          name: 'people_per_leader',
          label: t('groupPolicy.people'),
          kind: 'number',
          min: 1,
          unit: people,
          help: t('groupPolicy.peopleHelp'),
        },
        {
          name: 'join_minutes',
          label: t('groupPolicy.join'),
          kind: 'number',
          min: 0,
          unit: t('unit.minutes'),
          help: t('groupPolicy.joinHelp'),
        },
      ]}
    />
  );
}
