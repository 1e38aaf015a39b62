import { Button, Form, Input, InputNumber, Select, Switch } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { type Body, type Row, useGet, useList, useWrite } from '@/api';
import { useCan } from '@/app/session';
import {
  Can,
  Copy,
  DataTable,
  Empty,
  FormDrawer,
  formatCount,
  Page,
  Section,
  StatCards,
  StateTag,
  Table,
  Time,
} from '@/ui';
import { Act, Tabs, useOptions, useWords } from './parts';
import { useAccounts } from './sources';

type Way = Row<'/accounts/{id}/ways'>;
type Draft = Body<'post', '/accounts/{id}/ways'>;

export function Component() {
  const { t } = useTranslation('leaders');
  const corps = useAccounts('wecom');
  const [search, setSearch] = useSearchParams();
  const now = corps.find((a) => a.id === search.get('account')) ?? corps[0];
  return (
    <Page
      title={t('menu.wecom')}
      about={t('wecom.about')}
      watermark
      actions={
        corps.length > 1 ? (
          <Select
            aria-label={t('wecom.account')}
            value={now?.id}
            options={corps.map((a) => ({ value: a.id, label: a.name || a.app_id }))}
            onChange={(account) => {
              const next = new URLSearchParams(search);
              next.set('account', account);
              setSearch(next);
            }}
          />
        ) : null
      }
    >
      {now ? (
        <Tabs
          key={now.id}
          tabs={[
            { key: 'sync', label: t('wecom.sync'), content: () => <Syncing id={now.id} /> },
            { key: 'chats', label: t('wecom.chats'), content: () => <Chats id={now.id} /> },
            { key: 'contacts', label: t('wecom.contacts'), content: () => <Contacts id={now.id} /> },
            { key: 'ways', label: t('wecom.ways'), content: () => <Ways id={now.id} /> },
          ]}
        />
      ) : (
        <Section>
          <Empty title={t('wecom.none')} text={t('wecom.noneText')} example={t('wecom.noneExample')} />
        </Section>
      )}
    </Page>
  );
}

function Syncing({ id }: { id: string }) {
  const { t } = useTranslation('leaders');
  const kinds = useWords('syncKind');
  const states = useWords('syncState');
  const { data: s } = useGet('/accounts/{id}/sync', { params: { path: { id } }, refetchInterval: 5000 });
  return (
    <>
      <StatCards
        items={[
          {
            key: 'chats',
            title: t('wecom.chats'),
            value: formatCount(s?.chats ?? 0),
            note: s?.failed_chats ? t('wecom.failedChats', { n: s.failed_chats }) : undefined,
            tone: s?.failed_chats ? 'warn' : undefined,
          },
          {
            key: 'contacts',
            title: t('wecom.contacts'),
            value: formatCount(s?.contacts ?? 0),
            about: t('wecom.contactsAbout'),
          },
        ]}
      />
      <Section
        title={t('wecom.rounds')}
        extra={
          <Can do="wecom:write">
            {(['chats', 'contacts'] as const).map((kind) => (
              <Act
                key={kind}
                method="post"
                path="/accounts/{id}/sync"
                id={id}
                danger={false}
                body={() => ({ kind })}
                invalidate={['/accounts/{id}/sync']}
                done={t('wecom.started')}
                trigger={<Button>{t('wecom.start', { what: kinds[kind] })}</Button>}
                title={t('wecom.startTitle', { what: kinds[kind] })}
                consequence={t('wecom.startText')}
              />
            ))}
          </Can>
        }
      >
        <Table
          rows={s?.rounds ?? []}
          columns={[
            { key: 'kind', title: t('work.kind'), render: (r) => kinds[r.kind] ?? r.kind },
            {
              key: 'state',
              title: t('people.state'),
              render: (r) => (
                <StateTag
                  state={r.state}
                  labels={states}
                  tone={r.state === 'failed' ? 'red' : r.state === 'running' ? 'blue' : 'green'}
                />
              ),
            },
            { key: 'seen', title: t('wecom.seen'), align: 'right', render: (r) => formatCount(r.seen) },
            { key: 'start', title: t('check.begun'), render: (r) => <Time at={r.started_at} /> },
            { key: 'end', title: t('check.finished'), render: (r) => <Time at={r.ended_at} /> },
            {
              key: 'error',
              title: t('wecom.error'),
              render: (r) => <span style={{ whiteSpace: 'normal' }}>{r.error || '—'}</span>,
            },
          ]}
          empty={t('wecom.noRounds')}
        />
      </Section>
    </>
  );
}

function Chats({ id }: { id: string }) {
  const { t } = useTranslation('leaders');
  return (
    <DataTable
      id="leaders.chats"
      path="/accounts/{id}/chats"
      params={{ path: { id } }}
      columns={[
        {
          key: 'id',
          title: t('wecom.chatID'),
          render: (c) => <Copy text={c.chat_id} shown={`${c.chat_id.slice(0, 10)}…`} />,
        },
        {
          key: 'state',
          title: t('people.state'),
          render: (c) => (
            <StateTag state={c.state} labels={{ live: t('wecom.live'), dismissed: t('wecom.dismissed') }} />
          ),
        },
        { key: 'owner', title: t('wecom.owner'), render: (c) => c.owner },
        { key: 'size', title: t('group.sizeNow'), align: 'right', render: (c) => formatCount(c.size) },
        { key: 'at', title: t('wecom.read'), render: (c) => <Time at={c.synced_at} /> },
        { key: 'error', title: t('wecom.error'), render: (c) => c.error || '—' },
      ]}
      empty={{ title: t('wecom.noChats'), text: t('wecom.noChatsText') }}
    />
  );
}

function Contacts({ id }: { id: string }) {
  const { t } = useTranslation('leaders');
  const states = useWords('contactState');
  return (
    <DataTable
      id="leaders.contacts"
      path="/accounts/{id}/contacts"
      params={{ path: { id } }}
      filters={[{ name: 'state', label: t('people.state'), kind: 'select', options: useOptions('contactState') }]}
      columns={[
        { key: 'shown', title: t('wecom.contact'), render: (c) => c.shown },
        { key: 'state', title: t('people.state'), render: (c) => <StateTag state={c.state} labels={states} /> },
        { key: 'staff', title: t('role.staff'), render: (c) => c.userid },
        { key: 'member', title: t('people.member'), render: (c) => c.member_id ?? '—' },
        { key: 'since', title: t('wecom.since'), render: (c) => <Time at={c.since_at} /> },
        { key: 'changed', title: t('rulesForm.changed'), render: (c) => <Time at={c.changed_at} /> },
      ]}
      empty={{ title: t('wecom.noContacts'), text: t('wecom.noContactsText') }}
    />
  );
}

function Ways({ id }: { id: string }) {
  const { t } = useTranslation('leaders');
  const can = useCan()('wecom:write');
  const states = useWords('wayState');
  const [editing, setEditing] = useState<Way | 'new' | null>(null);
  const old = editing !== 'new' ? editing : null;
  const chats = useList('/accounts/{id}/chats', { params: { path: { id }, query: { limit: '100' } } });
  const options = { invalidate: ['/accounts/{id}/ways'], quiet: true, done: t('wecom.waySaved') };
  const create = useWrite('post', '/accounts/{id}/ways', options);
  const update = useWrite('put', '/wecom-ways/{id}', options);
  const make = (
    <Can do="wecom:write">
      <Button type="primary" onClick={() => setEditing('new')}>
        {t('wecom.createWay')}
      </Button>
    </Can>
  );
  return (
    <>
      <DataTable
        id="leaders.ways"
        path="/accounts/{id}/ways"
        params={{ path: { id } }}
        toolbar={make}
        refetchInterval={10_000}
        columns={[
          { key: 'name', title: t('live.name'), render: (w) => w.name },
          {
            key: 'state',
            title: t('people.state'),
            render: (w) => (
              <StateTag
                state={w.state}
                labels={states}
                tone={
                  w.state === 'made' ? 'green' : w.state === 'failed' ? 'red' : w.state === 'unsure' ? 'orange' : 'grey'
                }
              />
            ),
          },
          { key: 'chats', title: t('wecom.chats'), align: 'right', render: (w) => w.chat_ids.length },
          {
            key: 'url',
            title: t('live.address'),
            render: (w) => (w.join_url ? <Copy text={w.join_url} shown={`${w.join_url.slice(0, 28)}…`} /> : '—'),
          },
          {
            key: 'error',
            title: t('wecom.error'),
            render: (w) => <span style={{ whiteSpace: 'normal' }}>{w.error || '—'}</span>,
          },
          { key: 'at', title: t('rules.created'), render: (w) => <Time at={w.created_at} /> },
        ]}
        actions={
          can
            ? (w) =>
                w.state === 'ended' || w.state === 'ending' ? null : (
                  <>
                    <Button type="link" size="small" onClick={() => setEditing(w)}>
                      {t('template.edit')}
                    </Button>
                    {w.error || w.state === 'failed' || w.state === 'unsure' ? (
                      <Act
                        method="post"
                        path="/wecom-ways/{id}/retry"
                        id={w.id}
                        body={() => ({})}
                        danger={false}
                        invalidate={['/accounts/{id}/ways']}
                        done={t('wecom.retried')}
                        trigger={
                          <Button type="link" size="small">
                            {t('wecom.retry')}
                          </Button>
                        }
                        title={t('wecom.retryTitle', { name: w.name })}
                        consequence={w.error}
                      />
                    ) : null}
                    <Act
                      method="delete"
                      path="/wecom-ways/{id}"
                      id={w.id}
                      name={w.name}
                      invalidate={['/accounts/{id}/ways']}
                      done={t('wecom.wayEnded')}
                      trigger={
                        <Button type="link" size="small" danger>
                          {t('wecom.endWay')}
                        </Button>
                      }
                      title={t('wecom.endWayTitle', { name: w.name })}
                      consequence={t('wecom.endWayText')}
                    />
                  </>
                )
            : undefined
        }
        empty={{ title: t('wecom.noWays'), text: t('wecom.noWaysText'), action: make, example: t('wecom.wayExample') }}
      />
      <FormDrawer<Draft>
        title={t(old ? 'wecom.editWay' : 'wecom.createWay')}
        open={editing !== null}
        onClose={() => setEditing(null)}
        initial={
          old
            ? {
                name: old.name,
                way: old.way,
                auto_create_room: old.auto_create_room,
                room_base_name: old.room_base_name,
                room_base_id: old.room_base_id,
                chats: (chats.data?.data ?? []).filter((c) => old.chat_ids.includes(c.chat_id)).map((c) => c.id),
              }
            : { auto_create_room: false }
        }
        onSubmit={(v) => {
          const body = {
            ...v,
            way: v.way ?? '',
            room_base_name: v.room_base_name ?? '',
            room_base_id: v.room_base_id ?? 0,
          };
          return old
            ? update.mutateAsync({ params: { path: { id: old.id } }, body })
            : create.mutateAsync({ params: { path: { id } }, body });
        }}
      >
        <Form.Item name="name" label={t('live.name')} rules={[{ required: true, message: t('form.needed') }]}>
          <Input maxLength={30} />
        </Form.Item>
        <Form.Item
          name="chats"
          label={t('wecom.chats')}
          extra={t('wecom.chatsHelp')}
          rules={[{ required: true, message: t('form.needed') }]}
        >
          <Select
            mode="multiple"
            maxCount={5}
            options={(chats.data?.data ?? [])
              .filter((c) => c.state === 'live')
              .map((c) => ({ value: c.id, label: `${c.chat_id.slice(0, 12)}… · ${c.owner} · ${c.size}` }))}
          />
        </Form.Item>
        <Form.Item name="auto_create_room" label={t('wecom.auto')} valuePropName="checked" extra={t('wecom.autoHelp')}>
          <Switch />
        </Form.Item>
        <Form.Item name="room_base_name" label={t('wecom.base')}>
          <Input maxLength={40} />
        </Form.Item>
        <Form.Item name="room_base_id" label={t('wecom.baseNo')}>
          <InputNumber min={0} precision={0} style={{ width: '100%' }} />
        </Form.Item>
        <Form.Item name="way" label={t('wecom.token')} extra={t('wecom.tokenHelp')}>
          <Input maxLength={64} />
        </Form.Item>
      </FormDrawer>
    </>
  );
}
