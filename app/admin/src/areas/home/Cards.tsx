import { ArrowDownOutlined, ArrowUpOutlined, InfoCircleOutlined } from '@ant-design/icons';
import { Progress, Segmented, Tooltip } from 'antd';
import { type ReactNode, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Data } from '@/api';
import { Chart, dayText, formatCount, formatFen } from '@/ui';
import { yesterdayOf } from './yesterday';

export type Home = NonNullable<Data<'get', '/home'>>;
export type Growth = NonNullable<Home['growth']>[number];

/** shown writes a number of a growth or target in its unit. */
export function shown(key: string | undefined, n: number | undefined): string {
  return key?.endsWith('_fen') ? formatFen(n ?? 0) : formatCount(n ?? 0);
}

/** Cards are the three growths and the stock of members, each with what is counted behind
 * an ⓘ, the same time yesterday, the last seven days and thirty days as bars. */
export function Cards({ home }: { home: Home }) {
  const { t } = useTranslation('home');
  const [value, setValue] = useState('paid_fen');
  const [reach, setReach] = useState('scans');
  const of = (key: string) => home.growth?.find((g) => g.key === key);
  const at = home.compared_at ? new Date(Date.parse(home.compared_at) + 8 * 3600_000).toISOString().slice(11, 16) : '';
  return (
    <div className="home-cards">
      <GrowthCard
        growth={of(reach)}
        at={at}
        pick={
          <Segmented
            size="small"
            aria-label={t('growth.pick')}
            value={reach}
            onChange={(v) => setReach(String(v))}
            options={['scans', 'claims'].map((k) => ({ value: k, label: t(`growth.short.${k}`) }))}
          />
        }
      />
      <GrowthCard growth={of('members')} at={at} />
      <GrowthCard
        growth={of(value)}
        at={at}
        pick={
          <Segmented
            size="small"
            aria-label={t('growth.pick')}
            value={value}
            onChange={(v) => setValue(String(v))}
            options={['paid_fen', 'points', 'sales_fen'].map((k) => ({ value: k, label: t(`growth.short.${k}`) }))}
          />
        }
      />
      <Stock home={home} />
    </div>
  );
}

function Card({
  title,
  about,
  pick,
  children,
}: {
  title: string;
  about: string;
  pick?: ReactNode;
  children: ReactNode;
}) {
  const { t } = useTranslation('home');
  return (
    <section className="stat home-card" aria-label={title}>
      <div className="home-card-head">
        <h2>
          {pick ? t('growth.today') : title} {pick}{' '}
          <Tooltip title={about}>
            <InfoCircleOutlined tabIndex={0} aria-label={about} />
          </Tooltip>
        </h2>
      </div>
      {children}
    </section>
  );
}

function GrowthCard({ growth, at, pick }: { growth: Growth | undefined; at: string; pick?: ReactNode }) {
  const { t } = useTranslation('home');
  const days = growth?.days;
  const key = growth?.key ?? '';
  const option = useMemo(
    () => ({
      grid: { left: 0, right: 0, top: 4, bottom: 0 },
      xAxis: { type: 'category', show: false, data: days?.map((d) => dayText(d.day)) ?? [] },
      yAxis: { type: 'value', show: false },
      tooltip: {
        trigger: 'axis',
        confine: true,
        valueFormatter: (v: unknown) => shown(key, Number(v)),
      },
      series: [
        {
          name: t(`growth.title.${key}`),
          type: 'bar',
          barCategoryGap: '25%',
          itemStyle: { color: '#91b4ec', borderRadius: [2, 2, 0, 0] },
          data: days?.map((d, i) =>
            i === days.length - 1 ? { value: d.number, itemStyle: { color: '#0958d9' } } : d.number,
          ),
        },
      ],
    }),
    [days, key, t],
  );
  if (!growth) return null;
  return (
    <Card title={t(`growth.title.${key}`)} about={t(`growth.about.${key}`)} pick={pick}>
      <div className="stat-value nums" data-testid={`today-${key}`}>
        {shown(key, growth.today)}
      </div>
      <div className="home-changes">
        <Change
          label={t('growth.yesterday')}
          now={growth.compared}
          then={growth.yesterday}
          unit={key}
          why={(now, before) => t('growth.until', { at, now, before })}
        />
        <Change
          label={t('growth.week')}
          now={growth.compared}
          then={growth.week}
          unit={key}
          why={(now, before) => t('growth.until', { at, now, before })}
        />
      </div>
      <Whole growth={growth} />
      <Chart label={t('growth.chart', { title: t(`growth.title.${key}`) })} option={option} height={48} />
    </Card>
  );
}

/** Whole is yesterday from end to end: in the morning today says little. */
function Whole({ growth }: { growth: Growth }) {
  const { t } = useTranslation('home');
  const y = yesterdayOf(growth.days);
  if (!y) return null;
  const key = growth.key ?? '';
  const of = (name: 'before' | 'week') =>
    y[name] === null ? null : (
      <Change
        label={t(`growth.whole.${name}`)}
        now={y.number}
        then={y[name]}
        unit={key}
        why={(now, before) => t('growth.whole.why', { now, before })}
      />
    );
  return (
    <div className="home-changes home-whole" data-testid={`yesterday-${key}`}>
      <span>
        {t('growth.whole.title')} <strong className="nums">{shown(key, y.number)}</strong>
      </span>
      {of('before')}
      {of('week')}
    </div>
  );
}

/** Change compares with the same time of another day; without a base there is no percent. */
function Change({
  label,
  now,
  then,
  unit,
  why,
}: {
  label: string;
  now?: number;
  then?: number;
  unit: string;
  /** What is compared, in words. */
  why: (now: string, before: string) => string;
}) {
  const { t } = useTranslation('home');
  const [a, b] = [now ?? 0, then ?? 0];
  const percent = b === 0 ? null : Math.round(((a - b) / Math.abs(b)) * 100);
  return (
    <Tooltip title={why(shown(unit, a), shown(unit, b))}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: its tooltip is for the keyboard, too */}
      <span tabIndex={0}>
        <span className="muted">{label}</span>{' '}
        {percent === null || percent === 0 ? (
          <span className="nums">{percent === 0 ? t('growth.same') : a > 0 ? t('growth.new') : '—'}</span>
        ) : (
          <span className="nums">
            {percent > 0 ? (
              <ArrowUpOutlined aria-label={t('growth.up')} />
            ) : (
              <ArrowDownOutlined aria-label={t('growth.down')} />
            )}{' '}
            {Math.abs(percent) > 999 ? '>999' : Math.abs(percent)}%
          </span>
        )}
      </span>
    </Tooltip>
  );
}

/** Stock is how many members there are, and this month against its targets. */
function Stock({ home }: { home: Home }) {
  const { t } = useTranslation('home');
  const targets = home.targets ?? [];
  const month = String(home.day ?? '')
    .slice(4, 6)
    .replace(/^0/, '');
  return (
    <Card title={t('stock.title')} about={t('stock.about')}>
      <div className="stat-value nums">{formatCount(home.members)}</div>
      <div className="muted">{targets.length === 0 ? t('stock.noTarget') : t('stock.month', { month })}</div>
      <ul className="home-targets">
        {targets.map((x) => {
          const done = home.month?.find((m) => m.metric === x.metric)?.number ?? 0;
          const name = t(`targets.metrics.${x.metric}`);
          const percent = x.amount ? Math.floor((done / x.amount) * 100) : 0;
          const text = `${shown(x.metric, done)} / ${shown(x.metric, x.amount)}`;
          return (
            <li key={x.metric}>
              <div className="home-target-line">
                <span>
                  {name} <span className="nums">{percent}%</span>
                </span>
                <span className="nums muted">{text}</span>
              </div>
              <Progress
                percent={Math.min(100, percent)}
                showInfo={false}
                size={{ height: 5 }}
                aria-label={`${name} ${text}`}
                strokeColor={percent >= 100 ? '#237804' : '#0958d9'}
              />
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
