import { Button, DatePicker, Form, Input, Progress, Select } from 'antd';
import dayjs, { type Dayjs } from 'dayjs';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Body, type Row, useGet, useList, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { mark } from '@/i18n/marks';
import { Can, DataTable, dayText, FormDrawer, Page, StateTag, Table, Time, Waiting } from '@/ui';
import { Act, Tabs, useOptions, useWords } from './parts';

type Task = Row<'/leader-tasks'>;
type Material = Row<'/leader-materials'>;
type TaskForm = Omit<Body<'post', '/leader-tasks'>, 'due_day'> & { due?: Dayjs | null };
type MaterialForm = Body<'post', '/leader-materials'>;

export function Component() {
  const { t } = useTranslation('leaders');
  return (
    <Page title={t('menu.work')} about={t('work.about')}>
      <Tabs
        tabs={[
          { key: 'tasks', label: t('work.tasks'), content: () => <Tasks /> },
          { key: 'materials', label: t('work.materials'), content: () => <Materials /> },
        ]}
      />
    </Page>
  );
}

function useLevels(): { value: number; label: string }[] {
  const brand = useBrandID();
  const { data } = useGet('/brands/{id}/leader-programme', {
    params: { path: { id: brand } },
    enabled: Boolean(brand),
  });
  return (data?.levels ?? []).map((l, i) => ({ value: i + 1, label: l.name }));
}

function Tasks() {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const can = useCan();
  const levels = useLevels();
  const states = useWords('taskState');
  const [editing, setEditing] = useState<Task | 'new' | null>(null);
  const [seen, setSeen] = useState(0);
  const old = editing !== 'new' ? editing : null;
  const options = { invalidate: ['/leader-tasks'], quiet: true, done: t('done.saved') };
  const create = useWrite('post', '/leader-tasks', options);
  const update = useWrite('put', '/leader-tasks/{id}', options);
  const materials = useList('/leader-materials', {
    params: { query: { brand_id: brand, limit: '100' } },
    enabled: Boolean(brand),
  });
  const make = (
    <Can do="leader:write">
      <Button type="primary" onClick={() => setEditing('new')}>
        {t('work.createTask')}
      </Button>
    </Can>
  );
  return (
    <>
      <DataTable
        id="leaders.tasks"
        path="/leader-tasks"
        enabled={Boolean(brand)}
        params={{ query: { brand_id: brand } }}
        toolbar={make}
        columns={[
          { key: 'title', title: t('work.title'), render: (x) => x.title },
          {
            key: 'state',
            title: t('people.state'),
            render: (x) => <StateTag state={x.state} labels={states} tone={x.state === 'open' ? 'green' : 'grey'} />,
          },
          { key: 'due', title: t('work.due'), render: (x) => dayText(x.due_day) || t('work.noDue') },
          {
            key: 'levels',
            title: t('work.levels'),
            render: (x) =>
              x.levels?.length ? x.levels.map((n) => levels[n - 1]?.label ?? n).join(mark('、')) : t('work.everybody'),
          },
          { key: 'at', title: t('rules.created'), render: (x) => <Time at={x.created_at} /> },
        ]}
        expand={(x) => <TaskProgress id={x.id} />}
        actions={
          can('leader:write')
            ? (x, at) => (
                <>
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
                  {x.state === 'open' ? (
                    <Act
                      method="put"
                      path="/leader-tasks/{id}"
                      id={x.id}
                      seen={at}
                      danger={false}
                      invalidate={['/leader-tasks']}
                      done={t('work.taskEnded')}
                      body={() => taskIn(x, 'closed')}
                      undo={(send) =>
                        send(
                          'put',
                          '/leader-tasks/{id}',
                          { params: { path: { id: x.id } }, body: taskIn(x, 'open'), seen: at },
                          ['/leader-tasks'],
                        )
                      }
                      trigger={
                        <Button type="link" size="small">
                          {t('work.endTask')}
                        </Button>
                      }
                      title={t('work.endTaskTitle', { name: x.title })}
                    />
                  ) : null}
                </>
              )
            : undefined
        }
        empty={{ title: t('work.noTasks'), text: t('work.noTasksText'), action: make, example: t('work.taskExample') }}
      />
      <FormDrawer<TaskForm>
        title={t(old ? 'work.editTask' : 'work.createTask')}
        open={editing !== null}
        onClose={() => setEditing(null)}
        initial={
          old
            ? {
                ...old,
                material_id: old.material_id ?? undefined,
                due: old.due_day ? dayjs(dayText(old.due_day)) : null,
              }
            : {}
        }
        seen={seen}
        onSubmit={({ due, ...v }, seen) => {
          const body = {
            title: v.title,
            text: v.text ?? '',
            levels: v.levels ?? [],
            link_url: v.link_url ?? '',
            material_id: v.material_id ?? null,
            due_day: due ? Number(due.format('YYYYMMDD')) : 0,
          };
          return old
            ? update.mutateAsync({ params: { path: { id: old.id } }, body: { ...body, state: old.state }, seen })
            : create.mutateAsync({ body: { ...body, brand_id: brand } });
        }}
      >
        <p className="muted">{t('work.noPay')}</p>
        <Form.Item name="title" label={t('work.title')} rules={[{ required: true, message: t('form.needed') }]}>
          <Input maxLength={40} />
        </Form.Item>
        <Form.Item name="text" label={t('work.text')}>
          <Input.TextArea rows={4} maxLength={1000} showCount />
        </Form.Item>
        <Form.Item name="due" label={t('work.due')}>
          <DatePicker style={{ width: '100%' }} />
        </Form.Item>
        <Form.Item name="levels" label={t('work.levels')}>
          <Select mode="multiple" options={levels} placeholder={t('work.everybody')} />
        </Form.Item>
        <Form.Item name="material_id" label={t('work.material')}>
          <Select
            allowClear
            options={(materials.data?.data ?? [])
              .filter((m) => m.state === 'active')
              .map((m) => ({ value: m.id, label: m.title }))}
          />
        </Form.Item>
        <Form.Item name="link_url" label={t('work.link')}>
          <Input placeholder="https://" maxLength={400} />
        </Form.Item>
      </FormDrawer>
    </>
  );
}

/** taskIn is a task as it is saved, in another state. */
function taskIn(x: Task, state: 'open' | 'closed') {
  const { title, text, due_day, levels, material_id, link_url } = x;
  return { title, text, due_day, levels, material_id, link_url, state };
}

function TaskProgress({ id }: { id: string }) {
  const { t } = useTranslation('leaders');
  const { data } = useGet('/leader-tasks/{id}', { params: { path: { id } } });
  if (!data) return <Waiting height={80} />;
  return (
    <div>
      {data.task.text ? <p style={{ whiteSpace: 'pre-wrap' }}>{data.task.text}</p> : null}
      <Progress
        aria-label={t('work.progress')}
        style={{ maxWidth: 360 }}
        percent={data.asked ? Math.round((data.done / data.asked) * 100) : 0}
        format={() => t('work.doneOf', { n: data.done, of: data.asked })}
      />
      <Table
        rows={data.notes}
        rowKey={(n) => n.leader_id ?? ''}
        to={(n) => `/leaders/people/${n.leader_id}`}
        columns={[
          { key: 'who', title: t('role.leader'), render: (n) => n.name ?? n.leader_id },
          { key: 'note', title: t('work.note'), render: (n) => n.note || '—' },
          { key: 'at', title: t('accrual.at'), render: (n) => <Time at={n.at} /> },
        ]}
        empty={t('work.noNotes')}
      />
    </div>
  );
}

/** materialIn is a material as it is saved; saving shows it again. */
function materialIn({ kind, title, text, picture_url, min_level }: Material): MaterialForm {
  return { kind, title, text, picture_url, min_level } as MaterialForm;
}

function Materials() {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const can = useCan();
  const kinds = useWords('materialKind');
  const options = useOptions('materialKind');
  const levels = useLevels();
  const [editing, setEditing] = useState<Material | 'new' | null>(null);
  const [seen, setSeen] = useState(0);
  const old = editing !== 'new' ? editing : null;
  const saves = { invalidate: ['/leader-materials'], quiet: true, done: t('done.saved') };
  const create = useWrite('post', '/leader-materials', saves);
  const update = useWrite('put', '/leader-materials/{id}', saves);
  const make = (
    <Can do="leader:write">
      <Button type="primary" onClick={() => setEditing('new')}>
        {t('work.createMaterial')}
      </Button>
    </Can>
  );
  return (
    <>
      <DataTable
        id="leaders.materials"
        path="/leader-materials"
        enabled={Boolean(brand)}
        params={{ query: { brand_id: brand } }}
        toolbar={make}
        columns={[
          { key: 'title', title: t('work.title'), render: (m) => m.title },
          { key: 'kind', title: t('work.kind'), render: (m) => kinds[m.kind] ?? m.kind },
          {
            key: 'state',
            title: t('people.state'),
            render: (m) => (
              <StateTag
                state={m.state}
                labels={{ active: t('work.shown'), gone: t('work.gone') }}
                tone={m.state === 'active' ? 'green' : 'grey'}
              />
            ),
          },
          {
            key: 'text',
            title: t('work.text'),
            render: (m) => (
              <span style={{ whiteSpace: 'normal', display: 'inline-block', maxWidth: 420 }}>
                {m.text || m.picture_url || '—'}
              </span>
            ),
          },
          {
            key: 'level',
            title: t('work.minLevel'),
            render: (m) => (m.min_level ? (levels[m.min_level - 1]?.label ?? m.min_level) : t('work.everybody')),
          },
          { key: 'at', title: t('rulesForm.changed'), render: (m) => <Time at={m.changed_at} /> },
        ]}
        actions={
          can('leader:write')
            ? (m, at) =>
                m.state === 'active' ? (
                  <>
                    <Button
                      type="link"
                      size="small"
                      onClick={() => {
                        setSeen(at);
                        setEditing(m);
                      }}
                    >
                      {t('template.edit')}
                    </Button>
                    <Act
                      method="delete"
                      path="/leader-materials/{id}"
                      id={m.id}
                      invalidate={['/leader-materials']}
                      done={t('work.dropped')}
                      undo={(send) =>
                        send(
                          'put',
                          '/leader-materials/{id}',
                          { params: { path: { id: m.id } }, body: materialIn(m), seen: at },
                          ['/leader-materials'],
                        )
                      }
                      trigger={
                        <Button type="link" size="small" danger>
                          {t('work.drop')}
                        </Button>
                      }
                      title={t('work.dropTitle', { name: m.title })}
                      consequence={t('work.dropText')}
                    />
                  </>
                ) : null
            : undefined
        }
        empty={{
          title: t('work.noMaterials'),
          text: t('work.noMaterialsText'),
          action: make,
          example: t('work.materialExample'),
        }}
      />
      <FormDrawer<MaterialForm>
        title={t(old ? 'work.editMaterial' : 'work.createMaterial')}
        open={editing !== null}
        onClose={() => setEditing(null)}
        initial={old ? materialIn(old) : { kind: 'copy', min_level: 0 }}
        seen={seen}
        onSubmit={(v, seen) =>
          old
            ? update.mutateAsync({ params: { path: { id: old.id } }, body: v, seen })
            : create.mutateAsync({ body: { ...v, brand_id: brand } })
        }
      >
        <Form.Item name="kind" label={t('work.kind')}>
          <Select options={options} />
        </Form.Item>
        <Form.Item name="title" label={t('work.title')} rules={[{ required: true, message: t('form.needed') }]}>
          <Input maxLength={40} />
        </Form.Item>
        <Form.Item name="text" label={t('work.text')}>
          <Input.TextArea rows={4} maxLength={1000} showCount />
        </Form.Item>
        <Form.Item noStyle shouldUpdate={(a, b) => a.kind !== b.kind}>
          {(form) =>
            form.getFieldValue('kind') === 'picture' ? (
              <Form.Item
                name="picture_url"
                label={t('work.picture')}
                rules={[{ required: true, message: t('form.needed') }]}
              >
                <Input placeholder="https://" />
              </Form.Item>
            ) : null
          }
        </Form.Item>
        <Form.Item name="min_level" label={t('work.minLevel')}>
          <Select options={[{ value: 0, label: t('work.everybody') }, ...levels]} />
        </Form.Item>
      </FormDrawer>
    </>
  );
}
