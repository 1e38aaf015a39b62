import { Button, Progress } from 'antd';
import { useTranslation } from 'react-i18next';
import { formatCount } from './money';
import { StateTag } from './StateTag';
import { splitDuration } from './time';

export type JobProgressProps = {
  /** queued, running, done, failed, cancelled. */
  state: string;
  done: number;
  /** 0: not known yet. */
  total: number;
  /** Per second; 0 or missing: not shown. */
  speed?: number;
  etaSeconds?: number | null;
  /** What went wrong and what to do. */
  problem?: string;
  onCancel?: () => void;
};

/** JobProgress shows a long job: percent, how many of how many, speed, time left. */
export function JobProgress({ state, done, total, speed, etaSeconds, problem, onCancel }: JobProgressProps) {
  const { t } = useTranslation('app');
  const percent = state === 'done' ? 100 : total > 0 ? Math.min(99, Math.floor((done / total) * 100)) : 0;
  const left = etaSeconds ?? (speed && total > done ? (total - done) / speed : null);
  const d = splitDuration(left ?? 0);
  const running = state === 'running' || state === 'queued';
  return (
    <div>
      <div style={{ display: 'flex', gap: 12, alignItems: 'center' }}>
        <Progress
          percent={percent}
          status={state === 'failed' ? 'exception' : state === 'done' ? 'success' : running ? 'active' : 'normal'}
          aria-label={t('job.progress')}
          style={{ flex: 1, marginBottom: 0 }}
        />
        {running && onCancel ? (
          <Button size="small" onClick={onCancel}>
            {t('form.cancel')}
          </Button>
        ) : null}
      </div>
      <div className="muted nums" style={{ whiteSpace: 'normal' }}>
        <StateTag state={state} /> {formatCount(done)}
        {total > 0 ? ` / ${formatCount(total)}` : ''}
        {running && speed ? ` · ${t('job.speed', { n: formatCount(Math.round(speed)) })}` : ''}
        {running && left ? ` · ${t(d.hours > 0 ? 'job.hours' : d.minutes > 0 ? 'job.minutes' : 'job.seconds', d)}` : ''}
      </div>
      {problem ? <div role="alert">{problem}</div> : null}
    </div>
  );
}
