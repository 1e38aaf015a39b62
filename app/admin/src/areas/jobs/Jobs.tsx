import { Segmented } from 'antd';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { useMe } from '@/app/session';
import { DataTable, Page, Time } from '@/ui';
import { type Job, JobActions, JobBar, JobState, titleOf } from './parts';

const sources = ['extract', 'export', 'import', 'team', 'tag', 'copy'] as const;
const states = ['waiting', 'running', 'paused', 'attention', 'done', 'failed', 'cancelled', 'expired'] as const;

/** The job centre: everything that takes long and that somebody waits for. */
export function Component() {
  const { t } = useTranslation('jobs');
  const { can } = useMe();
  const [search, setSearch] = useSearchParams();
  const all = can('job:all') && search.get('all') === '1';
  return (
    <Page title={t('title')} about={t('about')}>
      <DataTable
        id="jobs"
        path="/jobs"
        params={all ? { query: { all: '1' } } : undefined}
        refetchInterval={2000}
        toolbar={
          can('job:all') ? (
            <Segmented
              aria-label={t('whose')}
              value={all ? 'all' : 'mine'}
              options={[
                { value: 'mine', label: t('mine') },
                { value: 'all', label: t('everybody') },
              ]}
              onChange={(v) => {
                const next = new URLSearchParams(search);
                next.delete('before');
                if (v === 'all') next.set('all', '1');
                else next.delete('all');
                setSearch(next);
              }}
            />
          ) : null
        }
        filters={[
          {
            name: 'source',
            label: t('column.source'),
            kind: 'select',
            options: sources.map((s) => ({ value: s, label: t(`sources.${s}`) })),
          },
          {
            name: 'state',
            label: t('column.state'),
            kind: 'select',
            options: states.map((s) => ({ value: s, label: t(`states.${s}`) })),
          },
        ]}
        rowKey={(j: Job) => `${j.source}-${j.id}`}
        to={(j: Job) => `/jobs/${j.source}/${j.id}`}
        columns={[
          { key: 'title', title: t('column.title'), render: (j: Job) => titleOf(t, j) },
          { key: 'state', title: t('column.state'), render: (j: Job) => <JobState job={j} /> },
          { key: 'progress', title: t('column.progress'), render: (j: Job) => <JobBar job={j} /> },
          { key: 'by', title: t('column.by'), hidden: !all, render: (j: Job) => j.by || '—' },
          { key: 'created', title: t('column.created'), render: (j: Job) => <Time at={j.created_at} /> },
          { key: 'finished', title: t('column.finished'), render: (j: Job) => <Time at={j.finished_at} /> },
          { key: 'expires', title: t('column.expires'), hidden: true, render: (j: Job) => <Time at={j.expires_at} /> },
        ]}
        actions={(j: Job) => <JobActions job={j} />}
        empty={{ title: t('empty.title'), text: t('empty.text'), example: t('empty.example') }}
      />
    </Page>
  );
}
