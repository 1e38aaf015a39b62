import { Button, Form, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet, useWrite } from '@/api';
import { Can, Danger, FormDrawer, LinkButton, useOpened } from '@/ui';
import { KeepFields, PurposeFields, sent, type Words, wordsOf } from './fields';
import { type TagDetail, useTree } from './words';

type Of = { tag: TagDetail };

/** Actions are the steps of a tag's life that are possible now. */
export function Actions({ tag }: Of) {
  const { t } = useTranslation('audience');
  const [editing, setEditing] = useState(false);
  const params = { path: { id: tag.id } };
  const quiet = { quiet: true, invalidate: ['/tags'] };
  const submit = useWrite('post', '/tags/{id}/submit', { invalidate: ['/tags'], done: t('tag.done.submitted') });
  const recompute = useWrite('post', '/tags/{id}/recompute', { invalidate: ['/tags'], done: t('tag.done.started') });
  const review = useWrite('post', '/tags/{id}/review', { ...quiet, done: t('tag.done.reviewed') });
  const newest = tag.versions[0];
  if (tag.state === 'retired') return null;
  const running = tag.state === 'running';
  const source = tag.versions.find((v) => v.version === tag.version)?.definition.source ?? '';
  const busy = tag.run?.state === 'waiting' || tag.run?.state === 'running';
  return (
    <>
      {running ? <Retire tag={tag} /> : null}
      <Can do="tag:write">
        {running ? (
          <Danger
            trigger={<Button>{t('tag.reviewNow')}</Button>}
            title={t('tag.reviewTitle', { name: tag.name })}
            consequence={t('tag.reviewConsequence', { n: tag.review_days })}
            danger={false}
            onConfirm={() => review.mutateAsync({ params, body: { rev: tag.rev } })}
          />
        ) : null}
        {running && ['rule', 'profile', 'event'].includes(source) && !busy ? (
          <Button loading={recompute.isPending} onClick={() => recompute.mutate({ params })}>
            {t('tag.recompute')}
          </Button>
        ) : null}
        <Button onClick={() => setEditing(true)}>{t('tag.edit')}</Button>
        {newest?.state === 'pending' ? null : (
          <LinkButton
            to={`/audience/tags/${tag.id}/definition`}
            type={newest?.state === 'draft' ? 'default' : 'primary'}
          >
            {t(tag.version > 0 ? 'tag.changeRule' : 'tag.build')}
          </LinkButton>
        )}
        {newest?.state === 'draft' ? (
          <Button
            type="primary"
            loading={submit.isPending}
            onClick={() => submit.mutate({ params, body: { rev: tag.rev } })}
          >
            {t('tag.submit')}
          </Button>
        ) : null}
        <Edit tag={tag} open={editing} onClose={() => setEditing(false)} />
      </Can>
    </>
  );
}

/** Decide is the second person's yes or no. */
export function Decide({ tag }: Of) {
  const { t } = useTranslation('audience');
  const params = { path: { id: tag.id } };
  const quiet = { quiet: true, invalidate: ['/tags'] };
  const approve = useWrite('post', '/tags/{id}/approve', { ...quiet, done: t('tag.done.approved') });
  const reject = useWrite('post', '/tags/{id}/reject', { ...quiet, done: t('tag.done.rejected') });
  const users = useGet('/tags/{id}/lineage', { params }).data?.to ?? [];
  return (
    <Can do="tag:approve">
      <div className="page-actions">
        <Danger
          trigger={<Button>{t('tag.reject')}</Button>}
          title={t('tag.rejectTitle', { name: tag.name })}
          reason
          onConfirm={({ reason }) => reject.mutateAsync({ params, body: { rev: tag.rev, note: reason } })}
        />
        <Danger
          trigger={<Button type="primary">{t('tag.approve')}</Button>}
          title={t('tag.approveTitle', { name: tag.name })}
          consequence={t(users.length > 0 ? 'tag.approveUsed' : 'tag.approveText', { n: users.length })}
          danger={false}
          onConfirm={({ note }) =>
            approve.mutateAsync({ params, body: { rev: tag.rev, note: typeof note === 'string' ? note.trim() : '' } })
          }
        >
          <Form.Item name="note" label={t('tag.note')}>
            <Input.TextArea rows={2} maxLength={200} showCount />
          </Form.Item>
        </Danger>
      </div>
    </Can>
  );
}

function Retire({ tag }: Of) {
  const { t } = useTranslation('audience');
  const retire = useWrite('post', '/tags/{id}/retire', {
    quiet: true,
    invalidate: ['/tags'],
    done: t('tag.done.retired'),
  });
  const params = { path: { id: tag.id } };
  return (
    <Can do="tag:approve">
      <Danger
        trigger={<Button danger>{t('tag.retire')}</Button>}
        title={t('tag.retireTitle', { name: tag.name })}
        consequence={t('tag.retireText', { n: tag.people })}
        name={tag.name}
        confirm={t('tag.retire')}
        reason
        onConfirm={({ reason }) => retire.mutateAsync({ params, body: { rev: tag.rev, reason } })}
      />
    </Can>
  );
}

function Edit({ tag: now, open, onClose }: Of & { open: boolean; onClose: () => void }) {
  const { t } = useTranslation('audience');
  const tag = useOpened(open, now); // its revision, too, is the one that is shown
  const tree = useTree(tag.brand_id ?? '');
  const edit = useWrite('put', '/tags/{id}', { quiet: true, invalidate: ['/tags'], done: t('done.saved') });
  return (
    <FormDrawer<Words>
      title={t('tag.edit')}
      open={open}
      onClose={onClose}
      initial={wordsOf(tag)}
      onSubmit={(v) =>
        edit.mutateAsync({
          params: { path: { id: tag.id } },
          body: { brand_id: tag.brand_id, rev: tag.rev, ...sent(v, tag.kind) },
        })
      }
    >
      {(_, values) => (
        <>
          <PurposeFields tree={tree} values={values} operators={tag.operators} />
          <KeepFields kind={tag.kind} values={values} />
        </>
      )}
    </FormDrawer>
  );
}
