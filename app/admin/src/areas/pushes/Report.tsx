import { Alert } from 'antd';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Data } from '@/api';
import { usePeople } from '@/areas/audience/people';
import { sentence } from '@/i18n/server';
import { Chart, formatFen, Section, StatCards, Table, Time, useNarrow } from '@/ui';

export type ReportData = Data<'get', '/pushes/{id}/report'>;
type Estimate = NonNullable<ReportData['all']>['scan'];
type Row = { key: string; name: string; unit: 'share' | 'fen'; estimate: Estimate };

const share = (x: number) => `${(100 * x).toFixed(2)}%`;
const inUnit = (unit: Row['unit'], x: number) => (unit === 'share' ? share(x) : formatFen(Math.round(x)));
/** signed writes a difference; points of percent have no percent sign of a share. */
const signed = (unit: Row['unit'], x: number, points: string) =>
  unit === 'share'
    ? `${x < 0 ? '−' : '+'}${Math.abs(100 * x).toFixed(2)} ${points}`
    : `${x < 0 ? '−' : '+'}${formatFen(Math.round(Math.abs(x)))}`;

/** told says whether there is a difference to speak of: with too few people there is none, nor
 * between groups that chance did not make. */
const told = (r: Row) => r.estimate.verdict !== 'early' && r.estimate.verdict !== 'void';

/** Report says what messages brought, the answer first. */
export function Report({ data }: { data: ReportData }) {
  const { t } = useTranslation('pushes');
  const people = usePeople();
  // What is said of broken groups is said before anything else.
  const alarm = data.said.filter((line) => line.code.startsWith('report_alarm'));
  // Which products count stands above it by their names.
  const said = data.said.filter((line) => !alarm.includes(line) && line.code !== 'report_products');
  const rows: Row[] = useMemo(() => {
    const of = (name: string, c: NonNullable<ReportData['all']>): Row[] => [
      { key: `${name}scan`, name: `${name}${t('report.scan')}`, unit: 'share', estimate: c.scan },
      { key: `${name}order`, name: `${name}${t('report.order')}`, unit: 'share', estimate: c.order },
      { key: `${name}amount`, name: `${name}${t('report.amount')}`, unit: 'fen', estimate: c.amount },
    ];
    return [
      ...(data.all ? of('', data.all) : []),
      ...data.between.flatMap((b) => of(t('report.against', { arm: b.arm, other: b.with }), b)),
    ];
  }, [data, t]);
  const groups = [
    ...data.arms.map((a) => ({ ...a, left: false, name: data.whole ? t('report.others') : a.name })),
    ...(data.held.people > 0 ? [{ ...data.held, left: true, name: t('report.held') }] : []),
    ...(data.universal.people > 0 ? [{ ...data.universal, left: true, name: t('report.universal') }] : []),
  ];
  const money = data.money;
  // Groups that cannot be compared do not stand side by side. And few are told as none: that
  // nobody did something is not known to who may see no members.
  const mean = (r: Row, x: number) =>
    r.estimate.verdict === 'void' || (people.under > 0 && x === 0) ? '—' : inUnit(r.unit, x);
  const amount = (fen: number) =>
    people.under === 0 ? formatFen(fen) : fen > 0 ? t('report.about', { n: formatFen(fen) }) : '—';
  return (
    <>
      <Section title={t('report.answer')}>
        {data.sizes.alarm ? (
          <Alert
            type="error"
            showIcon
            title={t('report.alarm')}
            description={alarm.map((line) => <p key={line.code}>{sentence(line)}</p>)}
            style={{ marginBottom: 12 }}
          />
        ) : null}
        <ul className="report-text">
          {said.map((line) => (
            <li key={line.text}>{sentence(line)}</li>
          ))}
        </ul>
        <p className="muted">
          {t('report.asOf')} <Time at={data.as_of} />
        </p>
      </Section>
      {money.known ? (
        <StatCards
          items={[
            {
              key: 'earned',
              title: t('report.earned'),
              value: formatFen(money.earned_fen),
              note: t('report.between', { low: formatFen(money.low_fen), high: formatFen(money.high_fen) }),
              about: t('report.earnedAbout'),
            },
            { key: 'cost', title: t('report.cost'), value: money.cost_fen > 0 ? formatFen(money.cost_fen) : '—' },
            {
              key: 'per',
              title: t('report.perYuan'),
              value: money.per_yuan ? formatFen(Math.round(100 * money.per_yuan.yuan)) : '—',
              note: money.per_yuan
                ? t('report.between', {
                    low: formatFen(Math.round(100 * money.per_yuan.low)),
                    high: formatFen(Math.round(100 * money.per_yuan.high)),
                  })
                : t('report.noCost'),
            },
          ]}
        />
      ) : null}
      <Section title={t('report.lift')}>
        <Intervals rows={rows.filter((r) => r.unit === 'share')} unit="share" label={t('report.chartShares')} />
        <Intervals rows={rows.filter((r) => r.unit === 'fen')} unit="fen" label={t('report.chartYuan')} />
        <Table
          rows={rows}
          rowKey={(r) => r.key}
          columns={[
            { key: 'name', title: t('report.what'), render: (r) => r.name },
            {
              key: 'treated',
              title: t('report.treated'),
              align: 'right',
              render: (r) => mean(r, r.estimate.treated),
            },
            {
              key: 'control',
              title: t('report.control'),
              align: 'right',
              render: (r) => mean(r, r.estimate.control),
            },
            {
              key: 'diff',
              title: t('report.difference'),
              align: 'right',
              render: (r) => (told(r) ? signed(r.unit, r.estimate.diff, t('report.points')) : '—'),
            },
            {
              key: 'interval',
              title: t('report.interval'),
              about: t('report.intervalAbout'),
              render: (r) =>
                told(r)
                  ? t('report.between', {
                      low: signed(r.unit, r.estimate.low, ''),
                      high: signed(r.unit, r.estimate.high, t('report.points')),
                    })
                  : '—',
            },
            {
              key: 'verdict',
              title: t('report.verdict'),
              render: (r) => (
                <span className={`state state-${tone[r.estimate.verdict] ?? 'grey'}`}>
                  {t(`report.verdicts.${r.estimate.verdict}`)}
                </span>
              ),
            },
          ]}
          empty={t('report.noControl')}
        />
      </Section>
      <Section title={t('report.groups')}>
        <Table
          rows={groups}
          rowKey={(g) => g.name}
          columns={[
            { key: 'name', title: t('report.group'), render: (g) => g.name },
            { key: 'people', title: t('report.people'), align: 'right', render: (g) => people.of(g.people) },
            ...(data.whole
              ? []
              : [
                  {
                    key: 'reached',
                    title: t('report.reached'),
                    align: 'right' as const,
                    render: (g: (typeof groups)[number]) => (g.left ? '—' : people.of(g.reached)),
                  },
                ]),
            { key: 'scans', title: t('report.scanned'), align: 'right', render: (g) => people.of(g.scans) },
            { key: 'buyers', title: t('report.ordered'), align: 'right', render: (g) => people.of(g.buyers) },
            { key: 'amount', title: t('report.sum'), align: 'right', render: (g) => amount(g.sum_fen) },
          ]}
        />
      </Section>
    </>
  );
}

const tone: Record<string, string> = { more: 'green', less: 'red', none: 'grey', early: 'orange', void: 'red' };

/** Intervals draws each difference with the interval that holds at every look; the line is
 * "no difference". */
function Intervals({ rows, unit, label }: { rows: readonly Row[]; unit: Row['unit']; label: string }) {
  const { t } = useTranslation('pushes');
  const narrow = useNarrow();
  const shown = useMemo(() => rows.filter(told).toReversed(), [rows]);
  const option = useMemo(() => {
    const value = (x: number) => (unit === 'share' ? 100 * x : x / 100);
    const suffix = unit === 'share' ? '' : '¥';
    return {
      tooltip: { show: false },
      grid: { left: narrow ? 92 : 180, right: narrow ? 16 : 24, top: 28, bottom: 32 },
      xAxis: {
        type: 'value',
        scale: false,
        splitNumber: narrow ? 3 : 5,
        axisLabel: { formatter: `${suffix}{value}`, hideOverlap: true },
      },
      yAxis: {
        type: 'category',
        data: shown.map((r) => r.name),
        axisLabel: { width: narrow ? 84 : 165, overflow: narrow ? 'break' : 'truncate' },
      },
      series: [
        {
          type: 'bar',
          stack: 'interval',
          silent: true,
          itemStyle: { color: 'transparent' },
          data: shown.map((r) => value(r.estimate.low)),
        },
        {
          type: 'bar',
          stack: 'interval',
          stackStrategy: 'all',
          barWidth: 8,
          data: shown.map((r) => ({
            value: value(r.estimate.high - r.estimate.low),
            itemStyle: { color: colour[r.estimate.verdict] ?? '#8c8c8c', borderRadius: 4 },
          })),
          markLine: {
            symbol: 'none',
            silent: true,
            data: [{ xAxis: 0 }],
            label: { formatter: t('report.noDifference') },
            lineStyle: { color: '#595959', type: 'solid' },
          },
        },
        {
          type: 'scatter',
          symbolSize: 10,
          itemStyle: { color: '#141414' },
          data: shown.map((r) => value(r.estimate.diff)),
        },
      ],
    };
  }, [shown, unit, narrow, t]);
  if (shown.length === 0) return null;
  return <Chart label={label} option={option} height={80 + 40 * shown.length} />;
}

const colour: Record<string, string> = { more: '#389e0d', less: '#cf1322', none: '#8c8c8c' };
