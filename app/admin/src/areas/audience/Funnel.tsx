import { Alert } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Data } from '@/api';
import { reason } from '@/i18n/server';
import { formatCount, Time } from '@/ui';
import './audience.css';

export type FunnelData = Omit<Data<'get', '/segments/size'>, 'sentence'>;

/** Funnel shows how many people a rule means and what becomes of them until somebody is
 * reached: each exclusion once, by its first reason. */
export function Funnel({ data, stale }: { data: FunnelData; stale?: boolean }) {
  const { t } = useTranslation('audience');
  const most = Math.max(1, data.people);
  // For who may see no members numbers are rounded, and few are "fewer than".
  const under = data.under ?? 0;
  const shown = (n: number) =>
    under === 0 ? formatCount(n) : n < under ? t('funnel.few', { n: under }) : t('funnel.about', { n: formatCount(n) });
  const steps = [
    { key: 'people', title: t('funnel.people'), count: data.people, minus: false },
    ...(data.profiling
      ? [
          { key: 'noProfiling', title: t('funnel.noProfiling'), count: data.people - data.asked, minus: true },
          { key: 'asked', title: t('funnel.asked'), count: data.asked, minus: false },
        ]
      : []),
    { key: 'matched', title: t('funnel.matched'), count: data.matched, minus: false },
    ...(data.judged
      ? [
          ...(data.left ?? []).map((l) => ({
            key: l.reason,
            title: reason(l.reason, l.text),
            count: l.count,
            minus: true,
          })),
          { key: 'reachable', title: t('funnel.reachable'), count: data.reachable, minus: false },
        ]
      : []),
  ];
  return (
    <div className={stale ? 'funnel funnel-stale' : 'funnel'} aria-busy={stale}>
      <ol aria-label={t('funnel.label')}>
        {steps.map((s) => (
          <li key={s.key} className={s.minus ? 'funnel-minus' : 'funnel-step'}>
            <span className="funnel-title">{s.minus ? t('funnel.less', { why: s.title }) : s.title}</span>
            <span className="nums">{s.minus && s.count >= under ? `−${shown(s.count)}` : shown(s.count)}</span>
            {s.minus ? null : (
              <span className="funnel-bar" style={{ width: `${(100 * s.count) / most}%` }} aria-hidden />
            )}
          </li>
        ))}
      </ol>
      {data.sampled > 0 ? (
        <Alert type="info" showIcon title={t('funnel.sampled', { n: formatCount(data.sampled) })} />
      ) : null}
      {under > 0 ? <p className="muted">{t('funnel.veiled', { n: under })}</p> : null}
      <p className="muted">
        {t('funnel.asOf')} <Time at={data.as_of} />
      </p>
    </div>
  );
}
