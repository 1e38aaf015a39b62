import { useTranslation } from 'react-i18next';
import { useList, useWrite } from '@/api';
import { useCan } from '@/app/session';
import { JobProgress, Section, StateTag, Table, Time } from '@/ui';
import { usePeople as useShown } from '../people';
import { type TagDetail, useOperators } from './words';

type One = NonNullable<TagDetail['run']>;

/** Run shows the computation that goes on, or why the last one failed. */
export function Run({ tag, run }: { tag: TagDetail; run: One }) {
  const { t } = useTranslation('audience');
  const may = useCan()('tag:write');
  const cancel = useWrite('post', '/tags/{id}/runs/{run}/cancel', {
    invalidate: ['/tags'],
    done: t('tag.done.cancelled'),
  });
  const since = run.started_at ? (Date.now() - Date.parse(run.started_at)) / 1000 : 0;
  return (
    <Section title={t(run.kind === 'clear' ? 'tag.clearing' : 'tag.computing')}>
      <JobProgress
        state={run.state === 'waiting' ? 'queued' : run.state}
        done={run.done}
        total={run.total}
        speed={since > 1 ? run.done / since : 0}
        problem={run.error}
        onCancel={
          may && run.kind === 'compute'
            ? () => cancel.mutate({ params: { path: { id: tag.id, run: run.id } } })
            : undefined
        }
      />
    </Section>
  );
}

/** Runs lists the computations of everybody. */
export function Runs({ tag, live }: { tag: TagDetail; live: boolean }) {
  const { t } = useTranslation('audience');
  const shown = useShown();
  const people = useOperators(tag.operators);
  const list = useList('/tags/{id}/runs', {
    params: { path: { id: tag.id }, query: { limit: '10' } },
    refetchInterval: live ? 2000 : false,
  });
  const rows = list.data?.data ?? [];
  if (tag.kind === 'model' || rows.length === 0) return null;
  return (
    <Section title={t('tag.runs')}>
      <Table
        rows={rows}
        label={t('tag.runs')}
        columns={[
          { key: 'at', title: t('tag.startedAt'), render: (r) => <Time at={r.started_at ?? r.created_at} /> },
          { key: 'what', title: t('tag.runKind'), render: (r) => t(`tag.runs_.${r.kind}`, { defaultValue: r.kind }) },
          {
            key: 'by',
            title: t('tag.runBy'),
            render: (r) => (r.by_id ? people.name(r.by_id) : t('tag.bySchedule')),
          },
          {
            key: 'state',
            title: t('tag.stateTitle'),
            render: (r) => <StateTag state={r.state} tone={r.state === 'done' ? 'green' : undefined} />,
          },
          { key: 'done', title: t('tag.looked'), align: 'right', render: (r) => shown.of(r.done) },
          {
            key: 'moved',
            title: t('tag.moved'),
            align: 'right',
            about: t('tag.movedAbout'),
            render: (r) => shown.of(r.moved),
          },
          { key: 'end', title: t('tag.endedAt'), render: (r) => (r.finished_at ? <Time at={r.finished_at} /> : '—') },
        ]}
      />
    </Section>
  );
}
