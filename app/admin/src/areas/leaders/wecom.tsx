import { Button, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { useGet } from '@/api';
import {
  Can,
  Copy,
  DataTable,
  Empty,
  formatCount,
  Member,
  Page,
  Section,
  StatCards,
  StateTag,
  Table,
  Time,
} from '@/ui';
import { Act, Tabs, useOptions, useWords } from './parts';
import { useAccounts } from './sources';
import { Ways } from './ways';

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
        { key: 'member', title: t('people.member'), render: (c) => <Member id={c.member_id} /> },
        { key: 'since', title: t('wecom.since'), render: (c) => <Time at={c.since_at} /> },
        { key: 'changed', title: t('rulesForm.changed'), render: (c) => <Time at={c.changed_at} /> },
      ]}
      empty={{ title: t('wecom.noContacts'), text: t('wecom.noContactsText') }}
    />
  );
}
