import { Alert, Button, Steps } from 'antd';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { useNavigate, useParams } from 'react-router';
import { type Data, useGet, useWrite } from '@/api';
import { useBrand } from '@/app/brand';
import { useCan } from '@/app/session';
import { mark } from '@/i18n/marks';
import { Danger, Detail, formatCount, formatTime, JobProgress, Page, Section, Time, Trail, Waiting } from '@/ui';
import { Broken } from '@/ui/Broken';
import { isOpen, type Job, JobActions, JobState, titleOf } from './parts';

/** One job: how far it is, what came of it, what happened to it. */
export function Component() {
  const { t } = useTranslation('jobs');
  const { source = '', id = '' } = useParams();
  const { data, error, refetch } = useGet('/jobs/of/{source}/{id}', {
    params: { path: { source, id } as never },
    refetchInterval: 1500,
  });
  const job = data as Job | undefined;
  const { data: extract } = useGet('/extracts/{id}', {
    params: { path: { id } as never },
    enabled: source === 'extract',
    refetchInterval: job && isOpen(job) ? 1500 : false,
  });
  if (error && !job) return <Broken error={error} again={() => void refetch()} />;
  if (!job) return <Waiting />;
  const state = { waiting: 'queued', done: 'done', failed: 'failed', cancelled: 'cancelled' }[job.state] ?? 'running';
  const shown = source === 'extract' ? extract : undefined;
  return (
    <Page
      title={titleOf(t, job)}
      trail={[{ title: t('title'), to: '/jobs' }]}
      tag={<JobState job={job} />}
      actions={
        <>
          {shown && !isOpen(job) ? <Again of={shown} /> : null}
          <JobActions job={job} files={shown?.files ?? 1} size="middle" />
        </>
      }
    >
      {isOpen(job) || job.state === 'paused' ? (
        <Section title={t('column.progress')}>
          <JobProgress
            state={state}
            done={job.done}
            total={job.total}
            speed={job.per_second}
            etaSeconds={job.eta_s >= 0 ? job.eta_s : null}
          />
          <p className="muted">{t('leave')}</p>
        </Section>
      ) : null}
      {job.state === 'failed' ? (
        <Alert type="error" showIcon title={job.error || t('noReason')} style={{ marginBottom: 16 }} />
      ) : null}
      {job.state === 'attention' ? (
        <Alert type="warning" showIcon title={t('attention')} style={{ marginBottom: 16 }} />
      ) : null}
      <Section title={t('detail')}>
        <Detail
          items={[
            { label: t('column.by'), value: job.by },
            { label: t('column.created'), value: <Time at={job.created_at} seconds /> },
            { label: t('column.finished'), value: <Time at={job.finished_at} seconds /> },
            job.source !== 'copy' && {
              label: t('column.result'),
              value: t(`result.${job.source}`, { n: formatCount(job.result_count) }),
            },
            job.expires_at ? { label: t('column.expires'), value: <Time at={job.expires_at} /> } : null,
            shown
              ? {
                  label: t('column.downloads'),
                  value: t('downloads', { used: shown.downloads, max: shown.max_downloads }),
                }
              : null,
            job.name ? { label: t(`nameOf.${job.source}`), value: job.name, wide: true } : null,
            shown && Object.keys(shown.filter ?? {}).length > 0
              ? { label: t('column.filter'), value: <Filters of={shown} />, wide: true }
              : null,
          ]}
        />
      </Section>
      <Section title={t('log')}>
        <Steps orientation="vertical" size="small" current={2} items={steps(t, job)} />
      </Section>
      {source === 'tag' ? null : (
        <Trail object={{ team: 'referral_export', copy: 'rights' }[source] ?? source} id={job.id} />
      )}
    </Page>
  );
}

function Filters({ of }: { of: Data<'get', '/extracts/{id}'> }) {
  const { t } = useTranslation('jobs');
  const { brands } = useBrand();
  const text = (name: string, value: string) => {
    if (/(^|_)(from|until)$/.test(name)) return formatTime(value);
    if (name === 'brand_id') return brands.find((b) => b.id === value)?.name ?? value;
    return value;
  };
  return (
    <>
      {Object.entries(of.filter ?? {}).map(([name, value]) => (
        <div key={name}>
          {t(`filter.${name}`, { defaultValue: name })}
          {mark('：')}
          {text(name, String(value))}
        </div>
      ))}
    </>
  );
}

/** Again takes the same list out with the same filters, as it is now. */
function Again({ of }: { of: Data<'get', '/extracts/{id}'> }) {
  const { t } = useTranslation('jobs');
  const navigate = useNavigate();
  const may = useCan()('extract:make');
  const make = useWrite('post', '/extracts', { invalidate: ['/jobs'], quiet: true });
  if (!may) return null;
  return (
    <Danger
      trigger={<Button>{t('again')}</Button>}
      danger={false}
      reason
      title={t('againAsk', { title: of.title })}
      consequence={t('againWhat')}
      confirm={t('export.confirm')}
      onConfirm={async ({ reason }) => {
        const x = await make.mutateAsync({ body: { kind: of.kind, filter: of.filter ?? {}, reason } });
        navigate(`/jobs/extract/${x.id}`);
      }}
    />
  );
}

type Status = 'finish' | 'process' | 'wait' | 'error';

function steps(t: TFunction, j: Job) {
  const over = !isOpen(j) && j.state !== 'paused' && j.state !== 'attention';
  const at = (title: string, when: string | null, status: Status) => ({
    title,
    content: formatTime(when, true),
    status,
  });
  return [
    at(t('step.asked', { by: j.by }), j.created_at, 'finish'),
    at(t('step.started'), j.started_at, j.started_at ? 'finish' : over ? 'wait' : 'process'),
    over
      ? at(
          t(`step.${j.state}`),
          j.state === 'expired' ? j.expires_at : j.finished_at,
          j.state === 'failed' ? 'error' : 'finish',
        )
      : at(t('step.ends'), null, j.started_at ? 'process' : 'wait'),
  ];
}
