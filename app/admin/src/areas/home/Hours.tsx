import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Chart, formatCount, Section } from '@/ui';
import type { Home } from './Cards';

/** Hours are the scans of today, hour by hour, before yesterday's line. */
export function Hours({ home }: { home: Home }) {
  const { t } = useTranslation('home');
  const hours = home.hours;
  const now = home.as_of ? new Date(Date.parse(home.as_of) + 8 * 3600_000).getUTCHours() : 23;
  const option = useMemo(
    () => ({
      grid: { left: 8, right: 8, top: 32, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
      legend: { top: 0, right: 0, itemWidth: 14, itemHeight: 8 },
      tooltip: {
        trigger: 'axis',
        confine: true,
        valueFormatter: (v: unknown) => (v === null || v === undefined ? '—' : formatCount(Number(v))),
      },
      xAxis: {
        type: 'category',
        data: hours?.map((h) => t('hours.hour', { hour: h.hour })) ?? [],
        axisTick: { show: false },
        axisLabel: { color: '#595959' },
      },
      yAxis: {
        type: 'value',
        minInterval: 1,
        splitNumber: 3,
        axisLabel: { color: '#595959' },
        splitLine: { lineStyle: { color: '#f0f0f0' } },
      },
      series: [
        {
          name: t('hours.today'),
          type: 'bar',
          barCategoryGap: '35%',
          itemStyle: { borderRadius: [2, 2, 0, 0] },
          data: hours?.map((h) => ((h.hour ?? 0) > now ? null : h.today)) ?? [],
        },
        {
          name: t('hours.yesterday'),
          type: 'line',
          symbol: 'none',
          smooth: 0.3,
          lineStyle: { width: 2, type: 'dashed' },
          data: hours?.map((h) => h.yesterday) ?? [],
        },
      ],
    }),
    [hours, now, t],
  );
  return (
    <Section title={t('hours.title')}>
      {hours?.some((h) => h.today || h.yesterday) ? (
        <Chart label={t('hours.label')} option={option} height={220} />
      ) : (
        <p className="home-calm muted">{t('regions.none')}</p>
      )}
    </Section>
  );
}
