import { MoreOutlined } from '@ant-design/icons';
import { App, Button, Dropdown, Form, Input } from 'antd';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { type Send, useGet, useWrite } from '@/api';
import { useCan } from '@/app/session';
import { Can, Danger, formatCount, formatFen, formatTime, LinkButton, useUndo } from '@/ui';
import { type Campaign, givesText } from './draft';

const stale = ['/campaigns', '/campaign-approvals', '/audit'];

/** usePublish publishes what the operator was shown, or asks the second person. */
export function usePublish() {
  const { t } = useTranslation('campaigns');
  return {
    publish: useWrite('post', '/campaigns/{id}/publish', { invalidate: stale, done: t('done.published'), quiet: true }),
    submit: useWrite('post', '/campaigns/{id}/submit', { invalidate: stale, done: t('done.submitted'), quiet: true }),
  };
}

/** Publish is the last button of a draft: publish where one person may, submit where a
 * second one must approve. */
export function Publish({ c, spend, points, needed }: { c: Campaign; spend: number; points: number; needed: boolean }) {
  const { t } = useTranslation('campaigns');
  const can = useCan();
  const { publish, submit } = usePublish();
  const navigate = useNavigate();
  const at = { params: { path: { id: c.id } } };
  const there = () => navigate(`/campaigns/${c.id}`);
  // Who may not publish can always ask: the colleague who publishes may have used up his limit.
  const asks = needed || (can('campaign:write') && !can('campaign:publish'));
  if (asks && c.approval !== 'approved') {
    if (!can('campaign:write')) return <span className="muted">{t('review.noSubmit')}</span>;
    return (
      <Danger
        danger={false}
        trigger={<Button type="primary">{t('action.submit')}</Button>}
        title={t('review.submitTitle', { name: c.name })}
        consequence={t('review.submitText', { fen: givesText(t, spend, points) })}
        confirm={t('action.submit')}
        onConfirm={async (v) => {
          await submit.mutateAsync({ ...at, body: { note: String(v.note ?? ''), version: c.version, reason: '' } });
          there();
        }}
      >
        <Form.Item name="note" label={t('review.note')}>
          <Input.TextArea rows={2} maxLength={200} showCount placeholder={t('review.noteHint')} />
        </Form.Item>
      </Danger>
    );
  }
  if (!can('campaign:publish')) return <span className="muted">{t('review.noPublish')}</span>;
  const later = c.from_at && Date.parse(c.from_at) > Date.now();
  return (
    <Danger
      danger={false}
      trigger={<Button type="primary">{later ? t('action.schedule') : t('action.publish')}</Button>}
      title={t('review.publishTitle', { name: c.name })}
      consequence={t(later ? 'review.scheduleText' : 'review.publishText', {
        fen: formatFen(spend),
        points: points ? t('review.withPoints', { n: formatCount(points) }) : '',
        at: formatTime(c.from_at),
      })}
      confirm={later ? t('action.schedule') : t('action.publish')}
      onConfirm={async () => {
        await publish.mutateAsync({ ...at, body: { spend_fen: spend, version: c.version, reason: '' } });
        there();
      }}
    />
  );
}

/** Actions are the buttons of a campaign, as its stage and the operator's rights allow. */
export function Actions({ c }: { c: Campaign }) {
  const { t } = useTranslation('campaigns');
  const { message } = App.useApp();
  const can = useCan();
  const navigate = useNavigate();
  const undo = useUndo();
  const at = { params: { path: { id: c.id } }, body: { reason: '' } };
  const options = { invalidate: stale };
  const back =
    (path: '/campaigns/{id}/resume' | '/campaigns/{id}/pause' | '/campaigns/{id}/unarchive') =>
    (send: Send, reason: string) =>
      send('post', path, { ...at, body: { reason } }, stale);
  const pause = useWrite('post', '/campaigns/{id}/pause', options);
  const resume = useWrite('post', '/campaigns/{id}/resume', options);
  const end = useWrite('post', '/campaigns/{id}/end', { ...options, quiet: true });
  const cancel = useWrite('post', '/campaigns/{id}/cancel', { ...options, quiet: true });
  const withdraw = useWrite('post', '/campaigns/{id}/withdraw', { ...options, done: t('done.withdrawn') });
  const archive = useWrite('post', '/campaigns/{id}/archive', options);
  const unarchive = useWrite('post', '/campaigns/{id}/unarchive', { ...options, done: t('done.unarchived') });
  const copy = useWrite('post', '/campaigns/{id}/copy', {
    ...options,
    done: t('list.copied'),
    onDone: (x) => navigate(`/campaigns/${x.id}/edit`),
  });
  const preview = useGet('/campaigns/{id}/preview', {
    params: { path: { id: c.id } },
    enabled: c.stage === 'draft' && c.approval === 'approved',
  });
  const live = c.stage === 'running' || c.stage === 'paused' || c.stage === 'scheduled';
  const more = [
    can('campaign:write') ? { key: 'copy', label: t('action.copy'), onClick: () => copy.mutate(at) } : null,
    can('campaign:write') && (c.state === 'ended' || c.stage === 'draft')
      ? {
          key: 'archive',
          label: t('action.archive'),
          onClick: () =>
            archive.mutate(at, { onSuccess: () => undo(t('done.archived'), back('/campaigns/{id}/unarchive')) }),
        }
      : null,
    can('campaign:write') && c.stage === 'archived'
      ? { key: 'unarchive', label: t('action.unarchive'), onClick: () => unarchive.mutate(at) }
      : null,
  ].filter((x) => x !== null);
  return (
    <>
      {c.stage === 'draft' ? (
        <Can do="campaign:write">
          <LinkButton to={`/campaigns/${c.id}/edit`}>{t('action.edit')}</LinkButton>
        </Can>
      ) : null}
      {c.stage === 'draft' && c.approval === 'approved' && preview.data ? (
        <Publish c={c} spend={preview.data.spend_fen} points={preview.data.points} needed={false} />
      ) : null}
      {c.stage === 'draft' && c.approval !== 'approved' ? (
        <Can do="campaign:write">
          <LinkButton to={`/campaigns/${c.id}/edit?step=review`} type="primary">
            {t('action.review')}
          </LinkButton>
        </Can>
      ) : null}
      {c.stage === 'pending' ? (
        <>
          <Can do="campaign:write">
            <Button loading={withdraw.isPending} onClick={() => withdraw.mutate(at)}>
              {t('action.withdraw')}
            </Button>
          </Can>
          <LinkButton to={`/campaigns/${c.id}/approval`} type="primary">
            {can('campaign:approve') ? t('action.decide') : t('action.seeApproval')}
          </LinkButton>
        </>
      ) : null}
      {can('campaign:publish') && c.state === 'published' && c.stage !== 'ended' ? (
        <Button
          loading={pause.isPending}
          onClick={() => pause.mutate(at, { onSuccess: () => undo(t('done.paused'), back('/campaigns/{id}/resume')) })}
        >
          {t('action.pause')}
        </Button>
      ) : null}
      {can('campaign:publish') && c.stage === 'paused' ? (
        <Button
          type="primary"
          loading={resume.isPending}
          onClick={() => resume.mutate(at, { onSuccess: () => undo(t('done.resumed'), back('/campaigns/{id}/pause')) })}
        >
          {t('action.resume')}
        </Button>
      ) : null}
      {can('campaign:publish') && c.state !== 'draft' && c.from_at && Date.parse(c.from_at) > Date.now() && live ? (
        <Danger
          danger={false}
          trigger={<Button>{t('action.cancel')}</Button>}
          title={t('cancel.title', { name: c.name })}
          consequence={t('cancel.text', { fen: formatFen(c.spend_fen) })}
          confirm={t('action.cancel')}
          reason
          onConfirm={async ({ reason }) => {
            await cancel.mutateAsync({ params: at.params, body: { reason } });
            message.success(t('done.cancelled'));
          }}
        />
      ) : null}
      {can('campaign:publish') && live ? (
        <Danger
          trigger={<Button danger>{t('action.end')}</Button>}
          title={t('end.title', { name: c.name })}
          consequence={t('end.text', {
            codes: formatCount(c.codes - c.claimed),
            fen: formatFen(c.spend_fen - c.won_fen),
          })}
          confirm={t('action.end')}
          name={c.name}
          reason
          onConfirm={async ({ reason }) => {
            await end.mutateAsync({ params: at.params, body: { reason } });
            message.success(t('done.ended'));
          }}
        />
      ) : null}
      {c.state !== 'draft' ? <LinkButton to={`/campaigns/${c.id}/fairness`}>{t('action.fairness')}</LinkButton> : null}
      {more.length > 0 ? (
        <Dropdown menu={{ items: more }} trigger={['click']}>
          <Button icon={<MoreOutlined />} aria-label={t('action.more')} />
        </Dropdown>
      ) : null}
    </>
  );
}
