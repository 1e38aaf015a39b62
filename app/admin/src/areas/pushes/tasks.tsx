import { Alert } from 'antd';
import { useTranslation } from 'react-i18next';
import { type Data, useGet } from '@/api';
import { sentence } from '@/i18n/server';
import type { Push } from './draft';

export type StaffTasks = {
  /** How many tasks staff can still press “send” for, and nobody takes back. */
  open: number;
  /** Whose copies wait for staff. */
  people: number;
};

/** useStaffTasks counts what staff were asked to send and have not sent. */
export function useStaffTasks(p: Push): StaffTasks {
  const begun = p.state === 'running' || p.state === 'paused' || p.state === 'done';
  const found = useGet('/pushes/{id}/progress', {
    params: { path: { id: p.id } },
    enabled: begun && p.uses.some((u) => u.channel === 'wecom'),
  });
  const sum = (list: { n: number }[]) => list.reduce((all, x) => all + x.n, 0);
  return {
    open: sum(found.data?.tasks.filter((x) => x.back === '') ?? []),
    people: sum(found.data?.counts.filter((c) => c.reason === 'staff_waits') ?? []),
  };
}

type Tasks = Data<'get', '/pushes/{id}/progress'>['tasks'];

/** TaskNotes say what staff still have to send, and of a stopped push what is taken back. */
export function TaskNotes({ tasks }: { tasks: Tasks }) {
  const { t } = useTranslation('pushes');
  if (tasks.length === 0) return null;
  const bad = tasks.some((x) => x.back === 'denied' || x.back === 'refused' || x.back === 'unsure');
  return (
    <Alert
      type={bad ? 'error' : tasks.every((x) => x.back === '') ? 'info' : 'warning'}
      showIcon
      style={{ marginBottom: 16 }}
      title={t('progress.tasks')}
      description={tasks.map((x) => <div key={`${x.back}${x.code}`}>{sentence(x.said)}</div>)}
    />
  );
}
