import { useTranslation } from 'react-i18next';
import { useGet } from '@/api';
import { Broken, Chart, formatCount, Section, StatCards, Time, Waiting } from '@/ui';

/** Liability: points that members hold and when they end. */
export function Liability({ brand }: { brand: string }) {
  const { t } = useTranslation('members');
  const { data: l, error, refetch } = useGet('/points/liability', { params: { query: { brand_id: brand } } });
  if (error && !l) return <Broken error={error} again={() => void refetch()} />;
  if (!l) return <Waiting />;
  const months = l.months ?? [];
  return (
    <>
      <StatCards
        items={[
          { key: 'available', title: t('points.available'), value: formatCount(l.available) },
          { key: 'pending', title: t('points.pending'), value: formatCount(l.pending) },
          { key: 'frozen', title: t('points.frozen'), value: formatCount(l.frozen) },
          { key: 'issued', title: t('liability.issued'), value: formatCount(l.issued) },
          { key: 'spent', title: t('liability.spent'), value: formatCount(l.spent) },
          {
            key: 'expired',
            title: t('liability.expired'),
            value: formatCount(l.expired),
            note: l.breakage_bp >= 0 ? t('liability.breakage', { n: (l.breakage_bp / 100).toFixed(1) }) : undefined,
          },
        ]}
      />
      <Section title={t('liability.months')} extra={<Time at={l.at} />}>
        {months.length > 0 ? (
          <Chart
            label={t('liability.months')}
            option={{
              tooltip: { trigger: 'axis' },
              grid: { left: 64, right: 16, top: 24, bottom: 32 },
              xAxis: { type: 'category', data: months.map((m) => m.month || t('points.never')) },
              yAxis: { type: 'value' },
              series: (['available', 'pending', 'frozen'] as const).map((k) => ({
                type: 'bar',
                stack: 'all',
                name: t(`points.${k}`),
                data: months.map((m) => m[k]),
                barMaxWidth: 40,
              })),
            }}
          />
        ) : (
          <span className="muted">{t('liability.none')}</span>
        )}
        {l.unfolded ? <p className="muted">{t('liability.unfolded', { n: formatCount(l.unfolded) })}</p> : null}
      </Section>
    </>
  );
}
