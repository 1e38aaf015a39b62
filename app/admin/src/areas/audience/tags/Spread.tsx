import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Data } from '@/api';
import { mark } from '@/i18n/marks';
import { Chart, Section, Table, Time } from '@/ui';
import { type People, usePeople } from '../people';

/** told is how a chart speaks of numbers of people: also when it is read aloud, and of those
 * too few to be counted. */
function told(shown: People, label: string, points: readonly (readonly [string, number])[]) {
  const of = (n: number) => shown.of(n);
  const read = points.map(([what, n]) => `${what} ${of(n)}`).join(mark('，'));
  return {
    // Nothing drawn: nobody.
    tip: { valueFormatter: (n: unknown) => (typeof n === 'number' ? of(n) : '0') },
    over: { show: true, formatter: (p: { value: number | null }) => (p.value === null ? '' : of(p.value)) },
    // By itself the chart reads a veiled 0 as 0.
    more: shown.under > 0 ? { aria: { enabled: true, label: { description: `${label} ${read}` } } } : {},
  };
}

const upwards = { rotate: 90, align: 'left', verticalAlign: 'middle' } as const;

/** scores is a bar for each range, with those between that nobody has: a gap is a finding. */
function scores(bars: Spread['scores'], name: string, shown: People, label: string) {
  const first = bars[0];
  const width = first ? first.high - first.low + 1 : 1;
  const have = new Map(bars.map((b) => [b.low, b.people]));
  const lows: number[] = [];
  for (let low = first?.low ?? 0; low <= (bars.at(-1)?.low ?? -1); low += width) lows.push(low);
  const range = (low: number) => (width > 1 ? `${low}–${low + width - 1}` : String(low));
  const say = told(
    shown,
    label,
    bars.map((b) => [range(b.low), b.people]),
  );
  const upright = shown.under > 0; // words are wider than a bar
  return {
    ...say.more,
    tooltip: { trigger: 'axis', axisPointer: { type: 'shadow' }, ...say.tip },
    grid: { left: 40, right: 16, top: upright ? 80 : 24, bottom: 32 },
    xAxis: { type: 'category', data: lows.map(range) },
    yAxis: { type: 'value', minInterval: 1 },
    series: [
      {
        name,
        type: 'bar',
        barMaxWidth: 36,
        data: lows.map((low) => have.get(low) ?? null),
        label: { ...say.over, position: 'top', ...(upright ? upwards : {}) },
      },
    ],
  };
}

type Spread = Data<'get', '/tags/{id}/spread'>;

/** Spread shows how many have each value, and how that moved. */
export function SpreadOf({ data, name }: { data: Spread; name: string }) {
  const { t } = useTranslation('audience');
  const { days, people } = data;
  const shown = usePeople();
  const shares = useMemo(() => data.values.map((v) => ({ ...v, value: v.value || t('tag.has') })), [data.values, t]);
  const bars = useMemo(() => {
    const top = shares.slice(0, 12).toReversed();
    const say = told(
      shown,
      t('tag.spreadChart', { name }),
      shares.slice(0, 12).map((v) => [v.value, v.people]),
    );
    return {
      ...say.more,
      tooltip: { trigger: 'axis', axisPointer: { type: 'shadow' }, ...say.tip },
      grid: { left: 8, right: shown.under > 0 ? 84 : 56, top: 8, bottom: 8, containLabel: true },
      xAxis: { type: 'value', minInterval: 1, axisLabel: { show: false }, splitLine: { show: false } },
      yAxis: { type: 'category', data: top.map((v) => v.value), axisTick: { show: false } },
      series: [
        {
          name,
          type: 'bar',
          barMaxWidth: 22,
          data: top.map((v) => v.people),
          label: { ...say.over, position: 'right' },
        },
      ],
    };
  }, [shares, name, shown, t]);
  const scale = useMemo(
    () => scores(data.scores, name, shown, t('tag.scoresChart', { name })),
    [data.scores, name, shown, t],
  );
  const line = useMemo(() => {
    const say = told(
      shown,
      t('tag.daysChart', { name }),
      days.map((d) => [d.day.slice(5), d.people]),
    );
    return {
      ...say.more,
      tooltip: { trigger: 'axis', ...say.tip },
      grid: { left: 56, right: 16, top: 16, bottom: 32 },
      xAxis: { type: 'category', data: days.map((d) => d.day.slice(5)) },
      yAxis: { type: 'value', minInterval: 1 },
      series: [{ name, type: 'line', showSymbol: days.length < 31, data: days.map((d) => d.people) }],
    };
  }, [days, name, shown, t]);
  if (!data.as_of || shares.length === 0) {
    return (
      <Section title={t('tag.spread')}>
        <p className="muted">{t(data.as_of ? 'tag.nobody' : 'tag.notCounted')}</p>
      </Section>
    );
  }
  return (
    <Section
      title={t('tag.spread')}
      extra={
        <span className="muted">
          {t('segments.asOf')} <Time at={data.as_of} />
        </span>
      }
    >
      <div className="tag-charts">
        {shares.length > 1 ? (
          <Chart
            label={t('tag.spreadChart', { name })}
            option={bars}
            height={Math.max(120, Math.min(12, shares.length) * 34)}
          />
        ) : (
          <p>{t('tag.onlyValue', { value: shares[0]?.value, n: shown.of(people) })}</p>
        )}
        {data.scores.length > 0 ? <Chart label={t('tag.scoresChart', { name })} option={scale} height={220} /> : null}
        {days.length > 1 ? <Chart label={t('tag.daysChart', { name })} option={line} height={220} /> : null}
      </div>
      {shares.length > 12 ? (
        <Table
          rows={shares}
          rowKey={(v) => v.value}
          label={t('tag.spread')}
          columns={[
            { key: 'value', title: t('tag.value'), render: (v) => v.value },
            { key: 'people', title: t('tag.people'), align: 'right', render: (v) => shown.of(v.people) },
            {
              key: 'share',
              title: t('tag.share'),
              align: 'right',
              render: (v) => shown.share(v.people, people),
            },
          ]}
        />
      ) : null}
    </Section>
  );
}
