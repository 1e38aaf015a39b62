import { InfoCircleOutlined } from '@ant-design/icons';
import { Tooltip } from 'antd';
import type { ReactNode } from 'react';
import { Link } from 'react-router';

export type Stat = {
  key: string;
  title: string;
  value: ReactNode;
  /** Behind an ⓘ: what is counted, in which zone, how fresh. */
  about?: string;
  /** Small line below: change against yesterday, target, … */
  note?: ReactNode;
  /** Where a click leads. */
  to?: string;
  tone?: 'warn' | 'bad';
};

/** StatCards shows a few big numbers side by side. */
export function StatCards({ items }: { items: readonly Stat[] }) {
  return (
    <div className="stats">
      {items.map((s) => (
        <div key={s.key} className={`stat ${s.tone ? `stat-${s.tone}` : ''}`}>
          <div className="muted">
            {s.title}{' '}
            {s.about ? (
              <Tooltip title={s.about}>
                <InfoCircleOutlined tabIndex={0} aria-label={s.about} />
              </Tooltip>
            ) : null}
          </div>
          <div className="stat-value nums">{s.to ? <Link to={s.to}>{s.value}</Link> : s.value}</div>
          {s.note ? <div className="muted">{s.note}</div> : null}
        </div>
      ))}
    </div>
  );
}
