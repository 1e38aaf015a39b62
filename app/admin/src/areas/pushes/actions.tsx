import { App, Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { type Send, useGet, useWrite } from '@/api';
import { useCan, useMe } from '@/app/session';
import { usePeople } from '@/areas/audience/people';
import { Can, Danger, formatCount, formatTime, LinkButton, useUndo } from '@/ui';
import type { Push } from './draft';
import { type StaffTasks, useStaffTasks } from './tasks';

const stale = ['/pushes'];

/** Begin is the last button before people hear of it: submit where a second person must
 * agree, else start, or wait for the moment that was chosen. */
export function Begin({ p }: { p: Push }) {
  const { t } = useTranslation('pushes');
  const can = useCan();
  const people = usePeople();
  const navigate = useNavigate();
  const needs = useGet('/pushes/{id}/needs', { params: { path: { id: p.id } } });
  const options = { invalidate: stale, quiet: true };
  const submit = useWrite('post', '/pushes/{id}/submit', { ...options, done: t('done.submitted') });
  const start = useWrite('post', '/pushes/{id}/start', { ...options, done: t('done.started') });
  const schedule = useWrite('post', '/pushes/{id}/schedule', { ...options, done: t('done.scheduled') });
  const at = { params: { path: { id: p.id } }, body: { version: p.version, reason: '' } };
  const there = () => navigate(`/pushes/${p.id}`);
  const n = needs.data;
  if (!n) return null;
  // Nobody begins what a second person has to see again: it would come back at once.
  if (p.state === 'missed' && n.need_approval) return null;
  // Who may not send can always ask: the colleague who approves makes it ready to be sent.
  if (p.state === 'draft' && (n.need_approval || !can('push:send'))) {
    return (
      <Can do="push:write">
        <Danger
          danger={false}
          trigger={<Button type="primary">{t('action.submit')}</Button>}
          title={t('begin.submitTitle', { name: p.name })}
          consequence={t('begin.submitText', { n: people.of(n.people) })}
          confirm={t('action.submit')}
          onConfirm={async () => {
            await submit.mutateAsync(at);
            there();
          }}
        />
      </Can>
    );
  }
  const later = p.state === 'draft' && p.start_at && Date.parse(p.start_at) > Date.now();
  return (
    <Can do="push:send">
      {later ? (
        <Danger
          danger={false}
          trigger={<Button type="primary">{t('action.schedule')}</Button>}
          title={t('begin.scheduleTitle', { name: p.name })}
          consequence={
            n.people === 0 && people.under === 0
              ? t('begin.scheduleNobody', { at: formatTime(p.start_at), n: formatCount(n.limit) })
              : t('begin.scheduleText', { at: formatTime(p.start_at), n: people.of(n.people) })
          }
          confirm={t('action.schedule')}
          onConfirm={async () => {
            await schedule.mutateAsync(at);
            there();
          }}
        />
      ) : null}
      <Danger
        danger={false}
        trigger={<Button type={later ? 'default' : 'primary'}>{t('action.start')}</Button>}
        title={t('begin.startTitle', { name: p.name })}
        consequence={t('begin.startText', { n: people.of(n.people) })}
        confirm={t('action.start')}
        onConfirm={async () => {
          await start.mutateAsync(at);
          there();
        }}
      />
    </Can>
  );
}

/** early: a second person agreed to a moment that has not come; it begins by itself then. */
const early = (p: Push) => p.approved && p.start_at !== null && Date.parse(p.start_at) > Date.now();

/** Actions are the buttons of a push, as its state and the operator's rights allow. */
export function Actions({ p }: { p: Push }) {
  const { t } = useTranslation('pushes');
  const { message } = App.useApp();
  const { me } = useMe();
  const can = useCan();
  const people = usePeople();
  const navigate = useNavigate();
  const undo = useUndo();
  const options = { invalidate: stale };
  const at = { params: { path: { id: p.id } } };
  const plain = { ...at, body: { reason: '' } };
  const back = (path: '/pushes/{id}/resume' | '/pushes/{id}/pause') => (send: Send, reason: string) =>
    send('post', path, { ...at, body: { reason } }, stale);
  const pause = useWrite('post', '/pushes/{id}/pause', options);
  const resume = useWrite('post', '/pushes/{id}/resume', options);
  const stop = useWrite('post', '/pushes/{id}/stop', { ...options, quiet: true });
  const withdraw = useWrite('post', '/pushes/{id}/withdraw', { ...options, quiet: true });
  const approve = useWrite('post', '/pushes/{id}/approve', { ...options, quiet: true, done: t('done.approved') });
  const refuse = useWrite('post', '/pushes/{id}/refuse', { ...options, quiet: true, done: t('done.refused') });
  const remove = useWrite('delete', '/pushes/{id}', { ...options, quiet: true });
  const copy = useWrite('post', '/pushes/{id}/copy', {
    ...options,
    done: t('done.copied'),
    onDone: (x) => navigate(`/pushes/${x.id}/edit`),
  });
  const tasks = useStaffTasks(p);
  const own = p.submitted_by === me.operator.id || p.edited_by === me.operator.id;
  const waits = p.state === 'pending' || p.state === 'scheduled' || p.state === 'missed';
  return (
    <>
      {p.state === 'draft' ? (
        <Can do="push:write">
          <Danger
            trigger={<Button>{t('action.remove')}</Button>}
            title={t('remove.title', { name: p.name })}
            consequence={t('remove.text')}
            confirm={t('action.remove')}
            onConfirm={async () => {
              await remove.mutateAsync(at);
              message.success(t('done.removed'));
              navigate('/pushes');
            }}
          />
          <LinkButton to={`/pushes/${p.id}/edit`}>{t('action.edit')}</LinkButton>
          <LinkButton to={`/pushes/${p.id}/edit?step=review`} type="primary">
            {t('action.review')}
          </LinkButton>
        </Can>
      ) : null}
      {waits ? (
        <Can do="push:write">
          <Danger
            danger={false}
            trigger={<Button>{t(p.state === 'scheduled' && p.start_at ? 'action.cancel' : 'action.withdraw')}</Button>}
            title={t(p.state === 'scheduled' && p.start_at ? 'cancel.title' : 'cancel.withdrawTitle', { name: p.name })}
            consequence={t('cancel.text')}
            confirm={t(p.state === 'scheduled' && p.start_at ? 'action.cancel' : 'action.withdraw')}
            onConfirm={async () => {
              await withdraw.mutateAsync(plain);
              message.success(t('done.withdrawn'));
            }}
          />
        </Can>
      ) : null}
      {p.state === 'pending' && !own ? (
        <Can do="push:approve">
          <Danger
            trigger={<Button danger>{t('action.refuse')}</Button>}
            title={t('approval.refuseTitle', { name: p.name })}
            reason
            confirm={t('action.refuse')}
            onConfirm={({ reason }) => refuse.mutateAsync({ ...at, body: { version: p.version, reason } })}
          />
          <Danger
            danger={false}
            trigger={<Button type="primary">{t('action.approve')}</Button>}
            title={t('approval.title', { name: p.name })}
            consequence={t(p.start_at ? 'approval.textAt' : 'approval.text', {
              n: people.of(p.expected),
              at: formatTime(p.start_at),
            })}
            confirm={t('action.approve')}
            onConfirm={() => approve.mutateAsync({ ...at, body: { version: p.version, reason: '' } })}
          />
        </Can>
      ) : null}
      {p.state === 'pending' && own && can('push:approve') ? (
        <span className="muted">{t('approval.other')}</span>
      ) : null}
      {(p.state === 'scheduled' && !early(p)) || p.state === 'missed' ? <Begin p={p} /> : null}
      {p.state === 'running' ? (
        <Can do="push:send">
          <Button
            loading={pause.isPending}
            onClick={() =>
              pause.mutate(plain, {
                onSuccess: () =>
                  undo(t(tasks.open > 0 ? 'done.pausedTasks' : 'done.paused'), back('/pushes/{id}/resume')),
              })
            }
          >
            {t('action.pause')}
          </Button>
        </Can>
      ) : null}
      {p.state === 'paused' ? (
        <Can do="push:send">
          <Button
            type="primary"
            loading={resume.isPending}
            onClick={() =>
              resume.mutate(plain, { onSuccess: () => undo(t('done.resumed'), back('/pushes/{id}/pause')) })
            }
          >
            {t('action.resume')}
          </Button>
        </Can>
      ) : null}
      {p.state === 'running' || p.state === 'paused' || (p.state === 'done' && tasks.open > 0) ? (
        <Can do="push:send">
          <Danger
            trigger={<Button danger>{t(p.state === 'done' ? 'action.takeBack' : 'action.stop')}</Button>}
            title={t(p.state === 'done' ? 'stop.backTitle' : 'stop.title', { name: p.name })}
            consequence={<StopMeans p={p} tasks={tasks} />}
            name={p.name}
            reason
            confirm={t(p.state === 'done' ? 'action.takeBack' : 'action.stop')}
            onConfirm={async ({ reason }) => {
              await stop.mutateAsync({ ...at, body: { reason } });
              message.success(t(tasks.open > 0 ? 'done.stoppedTasks' : 'done.stopped'));
            }}
          />
        </Can>
      ) : null}
      {p.state === 'draft' ? null : (
        <Can do="push:write">
          <Button loading={copy.isPending} onClick={() => copy.mutate(plain)}>
            {t('action.copy')}
          </Button>
        </Can>
      )}
    </>
  );
}

/** StopMeans says what stopping keeps from people, what is taken back and what stays. */
function StopMeans({ p, tasks }: { p: Push; tasks: StaffTasks }) {
  const { t } = useTranslation('pushes');
  const people = usePeople();
  if (!p.uses.some((u) => u.channel === 'wecom')) return t('stop.text');
  return (
    <>
      {p.state === 'done' ? null : <p>{t('stop.text')}</p>}
      <p>{tasks.open > 0 ? t('stop.tasks', { n: tasks.open, people: people.of(tasks.people) }) : t('stop.noTasks')}</p>
      <p>{t('stop.stays')}</p>
    </>
  );
}
