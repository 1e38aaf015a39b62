import { Button, Form, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useGet, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import {
  Broken,
  Can,
  Detail,
  Empty,
  FormDrawer,
  formatCount,
  halfWidth,
  NumberInput,
  Page,
  Section,
  Table,
  Tabs,
  Time,
  Trail,
  useUndo,
  Waiting,
} from '@/ui';
import './pushes.css';

/** What holds for all pushes of a brand: when a second person must agree, and who is sent
 * tests. */
export function Component() {
  const { t } = useTranslation('pushes');
  return (
    <Page title={t('menu.settings')} about={t('settings.about')}>
      <Tabs
        tabs={[
          { key: 'rules', label: t('settings.rules'), content: () => <Rules /> },
          { key: 'testers', label: t('testers.title'), content: () => <Testers /> },
        ]}
      />
    </Page>
  );
}

type Values = { approval_people: number; per_second: number; give_up_hours: number; reason: string };

function Rules() {
  const { t } = useTranslation('pushes');
  const brand = useBrandID();
  const [open, setOpen] = useState(false);
  const params = { path: { id: brand } };
  const found = useGet('/brands/{id}/push-policy', { params, enabled: Boolean(brand) });
  const save = useWrite('put', '/brands/{id}/push-policy', {
    invalidate: ['/brands/{id}/push-policy', '/pushes'],
    done: t('done.saved'),
    quiet: true,
  });
  if (found.error && !found.data) return <Broken error={found.error} again={() => void found.refetch()} />;
  const p = found.data;
  if (!p) return <Waiting />;
  const number = (name: keyof Values, label: string, hint: string, min: number, max: number) => (
    <Form.Item name={name} label={label} extra={hint} rules={[{ required: true, message: t('form.needed') }]}>
      <NumberInput min={min} max={max} style={{ width: 200 }} />
    </Form.Item>
  );
  return (
    <>
      <Section
        title={t('settings.rules')}
        extra={
          <Can do="push:approve">
            <Button type="primary" onClick={() => setOpen(true)}>
              {t('policy.change')}
            </Button>
          </Can>
        }
      >
        <Detail
          columns={1}
          items={[
            {
              label: t('settings.approval'),
              value:
                p.approval_people > 0
                  ? t('settings.approvalOver', { n: formatCount(p.approval_people) })
                  : t('settings.approvalAll'),
            },
            { label: t('settings.speed'), value: t('settings.perSecond', { n: formatCount(p.per_second) }) },
            { label: t('settings.giveUp'), value: t('settings.hours', { n: p.give_up_hours }) },
            { label: t('holdout.at'), value: p.changed_at ? <Time at={p.changed_at} /> : t('policy.defaults') },
          ]}
        />
        <p className="muted">{t('settings.service')}</p>
      </Section>
      <Trail object="push_policy" id={brand} />
      <FormDrawer<Values>
        title={t('settings.rules')}
        open={open}
        onClose={() => setOpen(false)}
        initial={{
          approval_people: p.approval_people,
          per_second: p.per_second,
          give_up_hours: p.give_up_hours,
          reason: '',
        }}
        seen={found.dataUpdatedAt}
        onSubmit={(v, seen) => save.mutateAsync({ params, body: v, seen })}
      >
        {number('approval_people', t('settings.approval'), t('settings.approvalHint'), 0, 100_000_000)}
        {number('per_second', t('settings.speed'), t('settings.speedHint'), 1, 5000)}
        {number('give_up_hours', t('settings.giveUp'), t('settings.giveUpHint'), 1, 720)}
        <Form.Item
          name="reason"
          label={t('holdout.reason')}
          rules={[{ required: true, whitespace: true, message: t('form.needed') }]}
        >
          <Input maxLength={200} />
        </Form.Item>
      </FormDrawer>
    </>
  );
}

function Testers() {
  const { t } = useTranslation('pushes');
  const brand = useBrandID();
  const may = useCan()('member:read');
  const [open, setOpen] = useState(false);
  const undo = useUndo();
  const params = { path: { id: brand } };
  const stale = ['/brands/{id}/push-testers'] as const;
  const found = useGet('/brands/{id}/push-testers', { params, enabled: Boolean(brand) });
  const add = useWrite('post', '/brands/{id}/push-testers', { invalidate: stale, done: t('done.saved'), quiet: true });
  const remove = useWrite('post', '/brands/{id}/push-testers/remove', { invalidate: stale });
  if (found.error && !found.data) return <Broken error={found.error} again={() => void found.refetch()} />;
  const button = (
    <Can do="push:send">
      <Button type="primary" onClick={() => setOpen(true)}>
        {t('testers.add')}
      </Button>
    </Can>
  );
  return (
    <Section title={t('testers.title')} extra={(found.data?.length ?? 0) > 0 ? button : null}>
      <p className="muted">{t('testers.about')}</p>
      <Table
        label={t('testers.title')}
        rows={found.data ?? []}
        loading={found.isPending}
        rowKey={(x) => x.member_id ?? ''}
        columns={[
          { key: 'name', title: t('testers.name'), render: (x) => x.name },
          {
            key: 'member',
            title: t('someone.member'),
            render: (x) => (may ? <Link to={`/members/${x.member_id}`}>{x.member_id}</Link> : x.member_id),
          },
          { key: 'at', title: t('testers.since'), render: (x) => <Time at={x.created_at} /> },
        ]}
        actions={(x) => (
          <Can do="push:send">
            <Button
              type="link"
              size="small"
              onClick={() => {
                const body = { member_id: x.member_id, name: x.name };
                remove.mutate(
                  { params, body },
                  {
                    onSuccess: () =>
                      undo(t('testers.removed', { name: x.name }), (send) =>
                        send('post', '/brands/{id}/push-testers', { params, body }, stale),
                      ),
                  },
                );
              }}
            >
              {t('testers.remove')}
            </Button>
          </Can>
        )}
        empty={<Empty title={t('testers.empty')} text={t('testers.emptyText')} action={button} />}
      />
      <FormDrawer<{ member_id: string; name: string }>
        title={t('testers.add')}
        open={open}
        onClose={() => setOpen(false)}
        initial={{ member_id: '', name: '' }}
        onSubmit={(v) => add.mutateAsync({ params, body: { member_id: halfWidth(v.member_id).trim(), name: v.name } })}
      >
        <Form.Item
          name="member_id"
          label={t('someone.member')}
          extra={t('testers.memberHint')}
          rules={[{ required: true, pattern: /^\s*\d+\s*$/, message: t('someone.digits') }]}
        >
          <Input />
        </Form.Item>
        <Form.Item
          name="name"
          label={t('testers.name')}
          rules={[{ required: true, whitespace: true, message: t('form.needed') }]}
        >
          <Input maxLength={20} showCount />
        </Form.Item>
      </FormDrawer>
    </Section>
  );
}
