import { Button, Form, Input, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { type Row, useWrite } from '@/api';
import { useCan } from '@/app/session';
import { DataTable, FormDrawer, Page, StateTag, Time } from '@/ui';
import { left, MemberLink } from './parts';

type Request = Row<'/rights'>;
const kinds = ['export', 'correct', 'erase', 'restrict'] as const;

export function useRightsLabels() {
  const { t } = useTranslation('members');
  return {
    states: Object.fromEntries(
      ['requested', 'approved', 'running', 'done', 'refused', 'cancelled'].map((s) => [s, t(`rights.state.${s}`)]),
    ),
    kind: (k: string) => t(`rights.kind.${k}`, { defaultValue: k }),
  };
}

/** Deadline counts down to the day by which the law wants an answer. */
export function Deadline({ request: r }: { request: Pick<Request, 'due_at' | 'state'> }) {
  const { t } = useTranslation('members');
  if (!['requested', 'approved', 'running'].includes(r.state)) return <span className="muted">—</span>;
  const l = left(r.due_at, Date.now());
  if (!l) return <span className="muted">—</span>;
  if (l.over) return <StateTag state="failed" labels={{ failed: t('rights.late', l) }} />;
  return (
    <StateTag
      state={l.days < 3 ? 'waiting' : 'running'}
      labels={{ waiting: t('rights.left', l), running: t('rights.left', l) }}
      tone={l.days < 3 ? 'orange' : 'blue'}
    />
  );
}

/** Rights are what people ask of their data: copy, correct, erase, restrict (个人信息权利). */
export function Component() {
  const { t } = useTranslation('members');
  const may = useCan();
  const navigate = useNavigate();
  const { states, kind } = useRightsLabels();
  const [open, setOpen] = useState(false);
  const create = useWrite('post', '/rights', { invalidate: ['/rights'], quiet: true });
  const button = may('rights:write') ? (
    <Button type="primary" onClick={() => setOpen(true)}>
      {t('rights.add')}
    </Button>
  ) : null;
  return (
    <Page title={t('menu.rights')} about={t('rights.about')} watermark actions={button}>
      <DataTable
        id="rights"
        path="/rights"
        params={{ query: { total: '1' } as object }}
        filters={[
          {
            name: 'state',
            label: t('list.state'),
            kind: 'select',
            options: [
              { value: 'open', label: t('rights.open') },
              ...Object.entries(states).map(([value, label]) => ({ value, label })),
            ],
          },
        ]}
        to={(r: Request) => `/members/rights/${r.id}`}
        columns={[
          { key: 'kind', title: t('rights.what'), render: (r: Request) => kind(r.kind) },
          { key: 'member', title: t('list.member'), render: (r: Request) => <MemberLink id={r.member_id} /> },
          {
            key: 'state',
            title: t('list.state'),
            render: (r: Request) => (
              <StateTag state={r.state} labels={states} tone={r.state === 'requested' ? 'orange' : undefined} />
            ),
          },
          { key: 'due', title: t('rights.due'), render: (r: Request) => <Deadline request={r} /> },
          {
            key: 'channel',
            title: t('consent.channel'),
            render: (r: Request) => t(`story.channel.${r.channel}`, { defaultValue: r.channel }),
          },
          { key: 'at', title: t('rights.asked'), render: (r: Request) => <Time at={r.created_at} /> },
        ]}
        empty={{
          title: t('rights.none'),
          text: t('rights.noneText'),
          example: t('rights.noneExample'),
          action: button ?? undefined,
        }}
      />
      <FormDrawer<{ member_id: string; kind: string; reason: string; fields?: { name: string; value: string }[] }>
        title={t('rights.add')}
        open={open}
        onClose={() => setOpen(false)}
        initial={{ kind: 'export' }}
        submit={t('rights.register')}
        onSubmit={async (v) => {
          const fields = Object.fromEntries((v.fields ?? []).map((f) => [f.name, f.value]));
          const made = await create.mutateAsync({
            body: { member_id: v.member_id, kind: v.kind, fields, reason: v.reason },
          });
          navigate(`/members/rights/${made.id}`);
        }}
      >
        {(_, values) => (
          <>
            <Form.Item
              name="member_id"
              label={t('list.number')}
              rules={[{ required: true, pattern: /^\d+$/, message: t('merging.numberNeeded') }]}
            >
              <Input inputMode="numeric" />
            </Form.Item>
            <Form.Item name="kind" label={t('rights.what')} extra={t(`rights.kindText.${values.kind ?? 'export'}`)}>
              <Select options={kinds.map((k) => ({ value: k, label: kind(k) }))} />
            </Form.Item>
            {values.kind === 'correct' ? (
              <Form.List name="fields" initialValue={[{ name: '', value: '' }]}>
                {(items, { add, remove }) => (
                  <>
                    {items.map((f) => (
                      <div key={f.key} style={{ display: 'flex', gap: 8 }}>
                        <Form.Item
                          name={[f.name, 'name']}
                          label={t('profile.field')}
                          rules={[{ required: true, message: t('rights.fieldNeeded') }]}
                        >
                          <Input placeholder="city" />
                        </Form.Item>
                        <Form.Item name={[f.name, 'value']} label={t('profile.value')}>
                          <Input />
                        </Form.Item>
                        <Button type="link" style={{ marginTop: 30 }} onClick={() => remove(f.name)}>
                          {t('common.remove')}
                        </Button>
                      </div>
                    ))}
                    <Button onClick={() => add({ name: '', value: '' })} style={{ marginBottom: 16 }}>
                      {t('rights.addField')}
                    </Button>
                  </>
                )}
              </Form.List>
            ) : null}
            <Form.Item
              name="reason"
              label={t('rights.how')}
              extra={t('rights.howHint')}
              rules={[{ required: true, min: 2, message: t('points.reasonNeeded') }]}
            >
              <Input.TextArea rows={3} maxLength={400} showCount />
            </Form.Item>
          </>
        )}
      </FormDrawer>
    </Page>
  );
}
