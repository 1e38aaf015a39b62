// What all pages of the job centre share: a job's name, state, progress and buttons.
import { useQueryClient } from '@tanstack/react-query';
import { Button, Progress } from 'antd';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { type Row, refresh, useWrite } from '@/api';
import { addressOf } from '@/api/client';
import { useMe } from '@/app/session';
import { Danger, formatCount, LinkButton, StateTag } from '@/ui';

export type Job = Row<'/jobs'>;

/** titleOf names a job: what is done, to what. */
export function titleOf(t: TFunction, j: Pick<Job, 'source' | 'kind' | 'name'>): string {
  const kind = t(`kinds.${j.source}.${j.kind}`, { ns: 'jobs', defaultValue: j.kind });
  const source = t(`sources.${j.source}`, { ns: 'jobs' });
  if (j.source === 'extract') return t('titleOf.extract', { ns: 'jobs', kind });
  if (j.source === 'team' || j.source === 'copy') return source;
  return t('titleOf.of', { ns: 'jobs', source, name: j.name || kind, kind });
}

export const isOpen = (j: Pick<Job, 'state'>) => j.state === 'waiting' || j.state === 'running';

export function JobState({ job }: { job: Pick<Job, 'state'> }) {
  const { t } = useTranslation('jobs');
  const tones = { waiting: 'grey', running: 'blue', attention: 'orange', paused: 'orange' } as const;
  const labels = Object.fromEntries(
    ['waiting', 'running', 'paused', 'attention', 'done', 'failed', 'cancelled', 'expired'].map((s) => [
      s,
      t(`states.${s}`),
    ]),
  );
  return <StateTag state={job.state} labels={labels} tone={tones[job.state as keyof typeof tones]} />;
}

/** etaText is the time left in words, '' while it is not known. */
export function etaText(t: TFunction, seconds: number): string {
  if (seconds < 0) return '';
  if (seconds < 60) return t('eta.seconds', { ns: 'jobs', n: Math.max(1, seconds) });
  if (seconds < 3600) return t('eta.minutes', { ns: 'jobs', n: Math.ceil(seconds / 60) });
  return t('eta.hours', { ns: 'jobs', n: Math.floor(seconds / 3600), m: Math.ceil((seconds % 3600) / 60) });
}

/** JobBar is the progress of a job in a line, and what came of it when it is over. */
export function JobBar({ job }: { job: Job }) {
  const { t } = useTranslation('jobs');
  if (job.state === 'failed') return <span>{job.error || t('noReason')}</span>;
  if (!isOpen(job) && job.state !== 'paused') {
    // What a cancelled import has brought in stays, until it is taken back.
    const nothing = job.state === 'cancelled' && !(job.source === 'import' && job.result_count > 0);
    if (nothing || job.source === 'copy') return <span className="muted">—</span>;
    return <span className="nums">{t(`result.${job.source}`, { n: formatCount(job.result_count) })}</span>;
  }
  const percent = job.total > 0 ? Math.min(99, Math.floor((job.done / job.total) * 100)) : 0;
  return (
    <div style={{ minWidth: 200 }}>
      <Progress percent={percent} size="small" status="active" aria-label={t('progress')} style={{ marginBottom: 0 }} />
      <span className="muted nums">
        {job.total > 0 ? `${formatCount(job.done)} / ${formatCount(job.total)}` : t('counting')}
        {job.per_second > 0 ? ` · ${t('speed', { n: formatCount(job.per_second) })}` : ''}
        {job.eta_s >= 0 ? ` · ${etaText(t, job.eta_s)}` : ''}
      </span>
    </div>
  );
}

/** go opens an address as a download, without leaving the page. */
function go(url: string) {
  const a = document.createElement('a');
  a.href = url;
  a.download = '';
  document.body.append(a);
  a.click();
  a.remove();
}

/** JobActions are what the operator may do with a job: fetch, cancel, ask again, go there. */
export function JobActions({
  job,
  files = 1,
  size = 'small',
}: {
  job: Job;
  files?: number;
  size?: 'small' | 'middle';
}) {
  const cache = useQueryClient();
  const { t } = useTranslation('jobs');
  const { me, can } = useMe();
  const own = job.by_id === me.operator.id;
  const paths = ['/jobs', '/extracts', '/exports', '/imports'];
  const ticket = useWrite('post', '/extracts/{id}/files/{file}/ticket', {
    invalidate: paths,
    onDone: (x) => {
      go(x.url);
      // The server counts the download when the browser fetches it.
      setTimeout(() => void refresh(cache, ['/extracts', '/trails']), 1500);
    },
  });
  const stopExtract = useWrite('post', '/extracts/{id}/cancel', {
    invalidate: paths,
    done: t('cancelled'),
    quiet: true,
  });
  const stopExport = useWrite('post', '/exports/{id}/cancel', { invalidate: paths, done: t('cancelled'), quiet: true });
  const stopImport = useWrite('post', '/imports/{id}/cancel', { invalidate: paths, done: t('cancelled'), quiet: true });
  const path = { id: job.id } as never;
  const stops: Record<string, { may: boolean; stop: (reason: string) => Promise<unknown> }> = {
    extract: {
      may: can('extract:make') && (own || can('job:all')),
      stop: (reason) => stopExtract.mutateAsync({ params: { path }, body: { reason } }),
    },
    export: { may: can('export:write'), stop: () => stopExport.mutateAsync({ params: { path } }) },
    import: { may: can('import:write'), stop: () => stopImport.mutateAsync({ params: { path } }) },
  };
  const stop = isOpen(job) || job.state === 'paused' ? stops[job.source] : undefined;
  const there = placeOf(job);
  return (
    <>
      {job.source === 'extract' && job.state === 'done' && own && can('extract:make')
        ? Array.from({ length: files }, (_, i) => i + 1).map((file) => (
            <Button
              key={file}
              size={size}
              type="primary"
              loading={ticket.isPending}
              onClick={() => ticket.mutate({ params: { path: { id: job.id, file: String(file) } as never } })}
            >
              {files > 1 ? t('downloadFile', { n: file }) : t('download')}
            </Button>
          ))
        : null}
      {job.source === 'team' && job.state === 'done' && can('referral:export') ? (
        <Button size={size} type="primary" href={addressOf('/referral/exports/{id}/file', { path: { id: job.id } })}>
          {t('download')}
        </Button>
      ) : null}
      {there && can(there.permission) ? (
        <LinkButton to={there.to} size={size}>
          {t('open')}
        </LinkButton>
      ) : null}
      {stop?.may ? (
        <Danger
          trigger={<Button size={size}>{t('cancel')}</Button>}
          title={t('cancelAsk', { title: titleOf(t, job) })}
          consequence={t(`cancelWhat.${job.source}`)}
          confirm={t('cancelYes')}
          onConfirm={({ reason }) => stop.stop(reason)}
        />
      ) : null}
    </>
  );
}

/** placeOf is the page of the job's own area: where its result is, or what it waits for. */
function placeOf(job: Job): { to: string; permission: string } | null {
  switch (job.source) {
    case 'export':
      return { to: `/goods/exports/${job.id}`, permission: 'export:read' };
    case 'import':
      return { to: `/members/imports/${job.id}`, permission: 'import:read' };
    case 'team':
      return { to: '/leaders/tree?tab=exports', permission: 'referral:read' };
    case 'copy':
      return { to: `/members/rights/${job.id}`, permission: 'rights:read' };
    default:
      return null;
  }
}
