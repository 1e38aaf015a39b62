import { Button, Form, Input, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { type Row, useGet, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { Can, Danger, DataTable, Empty, FormDrawer, Page, Section, Time, useUndo } from '@/ui';
import { Reason } from './parts';

type Keyword = Row<'/accounts/{id}/keywords'>;
type Draft = { keyword: string; match_kind: string; reply: string; reason?: string };

/** What an official account answers to a word (关键词回复). */
export function Component() {
  const { t } = useTranslation('settings');
  const brandID = useBrandID();
  const [search, setSearch] = useSearchParams();
  const { data: accounts } = useGet('/brands/{id}/accounts', {
    params: { path: { id: brandID }, query: { kind: 'official' } },
    enabled: brandID !== '',
  });
  const asked = search.get('account');
  const account = accounts?.find((a) => a.id === asked) ?? accounts?.[0];
  const [editing, setEditing] = useState<Keyword | 'new' | null>(null);
  const [seen, setSeen] = useState(0);
  const invalidate = ['/accounts', '/keywords', '/audit'];
  const save = useWrite('put', '/accounts/{id}/keywords', { invalidate, quiet: true, done: t('saved') });
  const remove = useWrite('delete', '/keywords/{id}', { invalidate, quiet: true });
  const undo = useUndo();
  const button = (
    <Can do="reply:write">
      <Button type="primary" disabled={!account} onClick={() => setEditing('new')}>
        {t('replies.new')}
      </Button>
    </Can>
  );
  return (
    <Page
      title={t('replies.title')}
      about={t('replies.about')}
      actions={
        <>
          {accounts && accounts.length > 1 ? (
            <Select
              aria-label={t('replies.account')}
              value={account?.id}
              options={accounts.map((a) => ({ value: a.id, label: a.name }))}
              onChange={(id) => {
                const next = new URLSearchParams(search);
                next.set('account', id);
                next.delete('before');
                setSearch(next);
              }}
            />
          ) : null}
          {button}
        </>
      }
    >
      {account ? (
        <DataTable
          key={account.id}
          id="keywords"
          path="/accounts/{id}/keywords"
          params={{ path: { id: account.id } }}
          columns={[
            { key: 'keyword', title: t('replies.keyword'), render: (k) => k.keyword },
            { key: 'match', title: t('replies.match'), render: (k) => t(`replies.kinds.${k.match_kind}`) },
            { key: 'reply', title: t('replies.reply'), render: (k) => <span className="wrap">{k.reply}</span> },
            { key: 'created', title: t('brands.created'), render: (k) => <Time at={k.created_at} /> },
          ]}
          actions={(k, at) => (
            <Can do="reply:write">
              <Button
                type="link"
                size="small"
                onClick={() => {
                  setSeen(at);
                  setEditing(k);
                }}
              >
                {t('edit')}
              </Button>
              <Danger
                trigger={
                  <Button type="link" size="small" danger>
                    {t('remove')}
                  </Button>
                }
                title={t('replies.removeTitle', { name: k.keyword })}
                onConfirm={async () => {
                  await remove.mutateAsync({ params: { path: { id: k.id } } });
                  const { keyword, match_kind, reply } = k;
                  undo(t('replies.removed'), (send, reason) =>
                    send(
                      'put',
                      '/accounts/{id}/keywords',
                      { params: { path: { id: account.id } }, body: { keyword, match_kind, reply, reason } },
                      invalidate,
                    ),
                  );
                }}
              />
            </Can>
          )}
          empty={{ title: t('replies.empty'), text: t('replies.about'), action: button, example: t('replies.example') }}
        />
      ) : (
        <Section>
          <Empty title={t('replies.noAccount')} text={t('accounts.about')} />
        </Section>
      )}
      <FormDrawer<Draft>
        title={t(editing === 'new' ? 'replies.new' : 'replies.editTitle')}
        open={editing !== null}
        onClose={() => setEditing(null)}
        initial={editing && editing !== 'new' ? editing : { match_kind: 'exact' }}
        seen={editing === 'new' ? undefined : seen}
        onSubmit={({ keyword, match_kind, reply, reason }, seen) =>
          save.mutateAsync({
            seen,
            params: { path: { id: account?.id ?? '' } },
            body: { keyword, match_kind, reply, reason },
          })
        }
      >
        <Form.Item
          name="keyword"
          label={t('replies.keyword')}
          rules={[{ required: true, message: t('replies.keywordNeeded') }]}
        >
          <Input maxLength={32} disabled={editing !== 'new'} />
        </Form.Item>
        <Form.Item name="match_kind" label={t('replies.match')}>
          <Select
            options={['exact', 'prefix', 'contains'].map((k) => ({ value: k, label: t(`replies.kinds.${k}`) }))}
          />
        </Form.Item>
        <Form.Item
          name="reply"
          label={t('replies.reply')}
          rules={[{ required: true, message: t('replies.replyNeeded') }]}
        >
          <Input.TextArea rows={5} maxLength={600} showCount />
        </Form.Item>
        <Reason />
      </FormDrawer>
    </Page>
  );
}
