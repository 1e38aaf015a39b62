import { Alert, Button, Form, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Row, useWrite } from '@/api';
import { Can, Danger, DataTable, FormDrawer, StateTag, Time } from '@/ui';
import { MemberLink } from '../parts';

type Merge = Row<'/identity/merges'>;

export function Merges() {
  const { t } = useTranslation('members');
  const undo = useWrite('post', '/identity/merges/{id}/undo', {
    invalidate: ['/identity', '/members'],
    done: t('merging.undoneDone'),
    quiet: true,
  });
  const labels = { merged: t('merging.merged'), undone: t('merging.undone') };
  return (
    <DataTable
      id="merges"
      path="/identity/merges"
      params={{ query: { total: '1' } as object }}
      filters={[
        {
          name: 'state',
          label: t('list.state'),
          kind: 'select',
          options: Object.entries(labels).map(([value, label]) => ({ value, label })),
        },
      ]}
      columns={[
        { key: 'one', title: t('merging.one'), render: (m: Merge) => <MemberLink id={m.member_id} /> },
        { key: 'other', title: t('merging.other'), render: (m: Merge) => <MemberLink id={m.other_member_id} /> },
        { key: 'rule', title: t('merging.rule'), render: (m: Merge) => m.rule_text },
        { key: 'by', title: t('merging.by'), render: (m: Merge) => m.shown || '—' },
        { key: 'confidence', title: t('merging.confidence'), align: 'right', render: (m: Merge) => `${m.confidence}%` },
        {
          key: 'state',
          title: t('list.state'),
          render: (m: Merge) => (
            <StateTag state={m.state} labels={labels} tone={m.state === 'merged' ? 'green' : 'grey'} />
          ),
        },
        { key: 'reason', title: t('points.reason'), render: (m: Merge) => m.reason || m.note || '—' },
        { key: 'at', title: t('identity.at'), render: (m: Merge) => <Time at={m.created_at} /> },
      ]}
      actions={(m: Merge) =>
        m.state === 'merged' ? (
          <Can do="identity:merge">
            <Danger
              trigger={
                <Button size="small" type="link">
                  {t('merging.undo')}
                </Button>
              }
              title={t('merging.undoTitle')}
              consequence={t('merging.undoText')}
              reason
              onConfirm={({ reason }) => undo.mutateAsync({ params: { path: { id: m.id ?? '' } }, body: { reason } })}
            />
          </Can>
        ) : null
      }
      empty={{ title: t('merging.noMerges'), text: t('merging.noMergesText') }}
    />
  );
}

export function MergeByHand() {
  const { t } = useTranslation('members');
  const [open, setOpen] = useState(false);
  const merge = useWrite('post', '/identity/merges', {
    invalidate: ['/identity', '/members'],
    done: t('merging.joined'),
    quiet: true,
  });
  return (
    <>
      <Button onClick={() => setOpen(true)}>{t('merging.byHand')}</Button>
      <FormDrawer<{ member_id: string; other_member_id: string; reason: string }>
        title={t('merging.byHand')}
        open={open}
        onClose={() => setOpen(false)}
        submit={t('merging.same')}
        onSubmit={(v) => merge.mutateAsync({ body: v })}
      >
        <Alert type="info" showIcon style={{ marginBottom: 16 }} title={t('merging.sameText')} />
        {(['member_id', 'other_member_id'] as const).map((name, i) => (
          <Form.Item
            key={name}
            name={name}
            label={`${t(i === 0 ? 'merging.one' : 'merging.other')} · ${t('list.number')}`}
            rules={[{ required: true, pattern: /^\d+$/, message: t('merging.numberNeeded') }]}
          >
            <Input inputMode="numeric" />
          </Form.Item>
        ))}
        <Form.Item
          name="reason"
          label={t('points.reason')}
          rules={[{ required: true, whitespace: true, message: t('points.reasonNeeded') }]}
        >
          <Input.TextArea rows={3} maxLength={200} showCount />
        </Form.Item>
      </FormDrawer>
    </>
  );
}
