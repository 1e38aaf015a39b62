import { Breadcrumb, Typography, Watermark } from 'antd';
import { type ReactNode, useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useMe } from '@/app/session';
import { Time } from './Time';
import { dayOf } from './time';

export type PageProps = {
  title: ReactNode;
  /** Plain text for the browser's tab where title is not one. */
  tab?: string;
  /** The way here, above the title: [{title, to?}], without the page itself. */
  trail?: readonly { title: ReactNode; to?: string }[];
  /** One line below the title: what this page is for. */
  about?: ReactNode;
  /** Buttons at the right of the title. */
  actions?: ReactNode;
  /** Beside the title: a StateTag. */
  tag?: ReactNode;
  /** true on pages with members or money: whose screen this was is seen on a photo of it. */
  watermark?: boolean;
  /** Moment of the numbers: shows 截至 …. */
  asOf?: string | number | null;
  children: ReactNode;
};

/** Page is the frame of one page: way, title, buttons, content. */
export function Page({ title, tab, trail, about, actions, tag, watermark, asOf, children }: PageProps) {
  const { t } = useTranslation('app');
  const { me } = useMe();
  const name = tab ?? (typeof title === 'string' ? title : '');
  useEffect(() => {
    if (name) document.title = `${name} · siyu`;
  }, [name]);
  const content = (
    <div className="page">
      {trail?.length ? (
        <Breadcrumb
          style={{ marginBottom: 8 }}
          items={trail.map((x) => ({ title: x.to ? <Link to={x.to}>{x.title}</Link> : x.title }))}
        />
      ) : null}
      <div className="page-head">
        <div style={{ minWidth: 0 }}>
          <Typography.Title level={1} className="page-title">
            {title}
            {tag}
          </Typography.Title>
          {about ? <div className="muted">{about}</div> : null}
        </div>
        <div className="page-actions">
          {asOf ? (
            <span className="muted">
              {t('time.asOf')} <Time at={asOf} precise={false} />
            </span>
          ) : null}
          {actions}
        </div>
      </div>
      {children}
    </div>
  );
  if (!watermark) return content;
  return (
    <Watermark
      content={[`${me.operator.name} ${me.operator.login.slice(-4)}`, dayOf(new Date())]}
      font={{ color: 'rgba(0,0,0,0.07)', fontSize: 14 }}
      gap={[140, 110]}
    >
      {content}
    </Watermark>
  );
}

/** Section is a titled white box on a page. */
export function Section({ title, extra, children }: { title?: ReactNode; extra?: ReactNode; children: ReactNode }) {
  return (
    <section className="section">
      {title || extra ? (
        <div className="section-head">
          <h2>{title}</h2>
          <div className="page-actions">{extra}</div>
        </div>
      ) : null}
      {children}
    </section>
  );
}
