import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { type Data, useGet, useWrite } from '@/api';
import { spoken } from '@/i18n/server';
import { Copy, Danger, Empty, Page, Section, Table, Time } from '@/ui';
import { Broken } from '@/ui/Broken';

type Task = NonNullable<Data<'get', '/tasks'>>[number];

/** Wake-ups that keep failing: the program goes on trying; people may have to help. */
export function Component() {
  const { t } = useTranslation('jobs');
  const { data, error, isPending, refetch } = useGet('/tasks', { refetchInterval: 10_000 });
  const retry = useWrite('post', '/tasks/{id}/retry', {
    invalidate: ['/tasks'],
    done: t('tasks.retried'),
    quiet: true,
  });
  const rows = (data ?? []) as Task[];
  const name = (task: string) => t(`task.${task.replace(':', '_')}`, { defaultValue: task });
  return (
    <Page title={t('menu.tasks')} about={t('tasks.about')}>
      <Section>
        {error && !data ? (
          <Broken error={error} again={() => void refetch()} />
        ) : !isPending && rows.length === 0 ? (
          <Empty title={t('tasks.empty')} text={t('tasks.emptyText')} example={t('tasks.example')} />
        ) : (
          <Table<Task>
            label={t('menu.tasks')}
            loading={isPending}
            rows={rows}
            columns={[
              { key: 'task', title: t('tasks.task'), render: (r) => name(r.task) },
              {
                key: 'why',
                title: t('tasks.why'),
                render: (r) => (
                  <span style={{ whiteSpace: 'normal', overflowWrap: 'anywhere' }}>{spoken(r.last_error)}</span>
                ),
              },
              { key: 'tries', title: t('tasks.tries'), align: 'right', render: (r) => r.tries },
              { key: 'due', title: t('tasks.due'), render: (r) => <Time at={r.due_at} seconds /> },
              { key: 'ref', title: t('tasks.ref'), render: (r) => <Copy text={r.ref_id ?? ''} /> },
            ]}
            actions={(r) => (
              <Danger
                trigger={<Button size="small">{t('tasks.retry')}</Button>}
                danger={false}
                reason
                title={t('tasks.ask', { task: name(r.task) })}
                consequence={t('tasks.what')}
                confirm={t('tasks.retry')}
                onConfirm={({ reason }) =>
                  retry.mutateAsync({ params: { path: { id: r.id } as never }, body: { reason } })
                }
              />
            )}
          />
        )}
      </Section>
    </Page>
  );
}
