import { useTranslation } from 'react-i18next';
import { useGet } from '@/api';
import { Empty, formatCount, Page, Section, Table, Time } from '@/ui';
import { Broken } from '@/ui/Broken';
import { type Job, JobState } from './parts';

/** What the house itself goes through, brand by brand. */
export function Component() {
  const { t } = useTranslation('jobs');
  const { data, error, isPending, refetch } = useGet('/jobs/house', { refetchInterval: 5000 });
  const rows = (data ?? []) as Job[];
  return (
    <Page title={t('menu.house')} about={t('house.about')}>
      <Section>
        {error && !data ? (
          <Broken error={error} again={() => void refetch()} />
        ) : !isPending && rows.length === 0 ? (
          <Empty title={t('house.empty')} text={t('house.emptyText')} example={t('house.example')} />
        ) : (
          <Table<Job>
            label={t('menu.house')}
            loading={isPending}
            rows={rows}
            rowKey={(j) => `${j.source}-${j.id}`}
            columns={[
              {
                key: 'title',
                title: t('column.title'),
                render: (j) => t(`house.${j.source}`, { kind: t(`kinds.${j.source}.${j.kind}`, { defaultValue: '' }) }),
              },
              { key: 'brand', title: t('column.brand'), render: (j) => j.name },
              { key: 'state', title: t('column.state'), render: (j) => <JobState job={j} /> },
              {
                key: 'done',
                title: t('column.done'),
                align: 'right',
                render: (j) => <span className="nums">{formatCount(j.done)}</span>,
              },
              {
                key: 'result',
                title: t('column.repaired'),
                align: 'right',
                about: t('house.repaired'),
                render: (j) => (j.source === 'check' ? formatCount(j.result_count) : '—'),
              },
              { key: 'started', title: t('column.started'), render: (j) => <Time at={j.started_at} /> },
              { key: 'finished', title: t('column.finished'), render: (j) => <Time at={j.finished_at} /> },
              { key: 'error', title: t('column.error'), render: (j) => j.error || '—' },
            ]}
          />
        )}
      </Section>
    </Page>
  );
}
