import { Empty as AntEmpty, Typography } from 'antd';
import type { ReactNode } from 'react';

export type EmptyProps = {
  /** What this list is. */
  title: ReactNode;
  /** What it is good for, in one sentence. */
  text?: ReactNode;
  /** One button. */
  action?: ReactNode;
  /** One example. */
  example?: ReactNode;
};

/** Empty stands where nothing is yet: what it is, one button, one example. */
export function Empty({ title, text, action, example }: EmptyProps) {
  return (
    <AntEmpty
      image={AntEmpty.PRESENTED_IMAGE_SIMPLE}
      style={{ padding: '32px 16px' }}
      description={
        <>
          <Typography.Title level={3} style={{ fontSize: 16, marginBottom: 4 }}>
            {title}
          </Typography.Title>
          {text ? <p style={{ margin: '0 auto 4px', maxWidth: 560 }}>{text}</p> : null}
          {example ? <p className="muted">{example}</p> : null}
        </>
      }
    >
      {action}
    </AntEmpty>
  );
}
