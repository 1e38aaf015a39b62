import { Button, Form, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { useGet, useSend, useWrite } from '@/api';
import { Broken, Can, Detail, FormDrawer, halfWidth, Page, Section, Time, Trail, useUndo, Waiting } from '@/ui';
import { usePeople } from './people';
import { TakeOut } from './TakeOut';

/** numbersOf reads members' numbers, however they were pasted. */
function numbersOf(text: string): string[] {
  return [
    ...new Set(
      halfWidth(text)
        .split(/[\s,;，；、]+/)
        .filter(Boolean),
    ),
  ];
}

/** One list that is kept by hand. */
export function Component() {
  const { t } = useTranslation('audience');
  const { id = '' } = useParams();
  const people = usePeople();
  const [open, setOpen] = useState<'put' | 'remove' | null>(null);
  const list = useGet('/segment-lists/{id}', { params: { path: { id } } });
  const stale = ['/segment-lists'];
  const put = useWrite('post', '/segment-lists/{id}/members', { invalidate: stale, quiet: true });
  const remove = useWrite('post', '/segment-lists/{id}/remove', { invalidate: stale, quiet: true });
  const send = useSend();
  const offer = useUndo();
  if (list.error && !list.data) return <Broken error={list.error} again={() => void list.refetch()} />;
  if (!list.data) return <Waiting />;
  const l = list.data;
  const params = { path: { id } };
  const submit = async (v: { members: string }) => {
    const member_ids = numbersOf(v.members);
    const out = await (open === 'put' ? put : remove).mutateAsync({ params, body: { member_ids } });
    const back = open === 'put' ? '/segment-lists/{id}/remove' : '/segment-lists/{id}/members';
    if (out.changed > 0) {
      offer(t(open === 'put' ? 'lists.put' : 'lists.removed', { n: out.changed }), () =>
        send('post', back, { params, body: { member_ids } }, stale),
      );
    }
  };
  return (
    <Page
      title={l.name}
      trail={[
        { title: t('menu.segments'), to: '/audience/segments' },
        { title: t('lists.title'), to: '/audience/segments?tab=lists' },
      ]}
      actions={
        <>
          <TakeOut list="list_people" query={{ list_id: id }} />
          <Can do="segment:write">
            <Button onClick={() => setOpen('remove')}>{t('lists.remove')}</Button>
            <Button type="primary" onClick={() => setOpen('put')}>
              {t('lists.add')}
            </Button>
          </Can>
        </>
      }
    >
      <Section>
        <Detail
          items={[
            { label: t('lists.count'), value: people.of(l.count) },
            { label: t('lists.created'), value: <Time at={l.created_at} /> },
            { label: t('lists.note'), value: l.note, wide: true },
          ]}
        />
      </Section>
      <Trail object="segment-list" id={id} />
      <FormDrawer<{ members: string }>
        title={t(open === 'remove' ? 'lists.remove' : 'lists.add')}
        open={open !== null}
        onClose={() => setOpen(null)}
        initial={{ members: '' }}
        onSubmit={submit}
      >
        <Form.Item
          name="members"
          label={t('lists.members')}
          extra={t('lists.membersHint')}
          rules={[
            { required: true, message: t('form.needed') },
            {
              validator: (_, v: string) =>
                numbersOf(v ?? '').every((n) => /^\d+$/.test(n))
                  ? Promise.resolve()
                  : Promise.reject(new Error(t('lists.notNumbers'))),
            },
          ]}
        >
          <Input.TextArea rows={8} />
        </Form.Item>
      </FormDrawer>
    </Page>
  );
}
