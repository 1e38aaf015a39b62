import { BellOutlined } from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { App, Badge, Button, Popover } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import { refresh, useGet, useWrite } from '@/api';
import { Time } from '@/ui';
import { type Job, JobState, titleOf } from './parts';

/** Bell shows how many jobs run and what ended since one last looked, and says so when one
 * ends while somebody works on another page. */
export default function Bell() {
  const { t } = useTranslation('jobs');
  const { message } = App.useApp();
  const navigate = useNavigate();
  const cache = useQueryClient();
  const [open, setOpen] = useState(false);
  const [running, setRunning] = useState(0);
  const { data } = useGet('/jobs/summary', { refetchInterval: running > 0 ? 2000 : 20_000 });
  const see = useWrite('put', '/jobs/seen', { invalidate: ['/jobs'], quiet: true });
  const ended = (data?.ended ?? []) as Job[];
  const told = useRef<Set<string> | null>(null);

  useEffect(() => {
    if (!data) return;
    setRunning(data.running);
    const jobs = (data.ended ?? []) as Job[];
    const fresh = told.current ? jobs.filter((j) => !told.current?.has(`${j.source}-${j.id}`)) : [];
    told.current = new Set([...(told.current ?? []), ...jobs.map((j) => `${j.source}-${j.id}`)]);
    for (const j of fresh) {
      // A line in the header's height, and one at a time: it lies over no button of a page.
      message.open({
        key: 'job-ended',
        type: j.state === 'failed' ? 'error' : 'success',
        duration: 8,
        content: (
          <span className="job-ended">
            <span>{t(j.state === 'failed' ? 'bell.failed' : 'bell.done', { title: titleOf(t, j) })}</span>
            <Button
              size="small"
              type="link"
              onClick={() => {
                message.destroy('job-ended');
                navigate(`/jobs/${j.source}/${j.id}`);
              }}
            >
              {t('bell.look')}
            </Button>
          </span>
        ),
      });
    }
    if (fresh.length > 0) void refresh(cache, ['/jobs', '/extracts']);
  }, [data, message, navigate, cache, t]);

  const change = (next: boolean) => {
    setOpen(next);
    const newest = ended[0]?.finished_at;
    if (!next && newest) see.mutate({ body: { at: newest } as never });
  };
  const label = t('bell.label', { running, ended: ended.length });
  return (
    <Popover
      trigger="click"
      placement="bottomRight"
      open={open}
      onOpenChange={change}
      title={t('title')}
      content={
        <div style={{ width: 'min(320px, 80vw)' }}>
          {running > 0 ? <p>{t('bell.running', { n: running })}</p> : null}
          {ended.length === 0 && running === 0 ? <p className="muted">{t('bell.nothing')}</p> : null}
          <ul style={{ listStyle: 'none', padding: 0, margin: 0 }}>
            {ended.map((j) => (
              <li key={`${j.source}-${j.id}`} style={{ padding: '6px 0' }}>
                <Link to={`/jobs/${j.source}/${j.id}`} onClick={() => change(false)}>
                  {titleOf(t, j)}
                </Link>
                <div className="muted">
                  <JobState job={j} /> <Time at={j.finished_at} precise={false} />
                </div>
              </li>
            ))}
          </ul>
          <Link to="/jobs" onClick={() => change(false)}>
            {t('bell.all')}
          </Link>
        </div>
      }
    >
      <Badge count={ended.length} dot={ended.length === 0 && running > 0} size="small" offset={[-8, 8]}>
        <Button type="text" icon={<BellOutlined />} aria-label={label} title={label} />
      </Badge>
    </Popover>
  );
}
