import { Alert, Button, Form } from 'antd';
import { useId, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Data, useGet } from '@/api';
import { errorText } from '@/api/error';
import {
  Broken,
  Chart,
  dayOf,
  dayText,
  formatCount,
  formatFen,
  Money,
  MoneyInput,
  NumberInput,
  StatCards,
  Time,
  unread,
  Waiting,
} from '@/ui';

type Rehearsal = NonNullable<Data<'get', '/campaigns/{id}/dry-run'>>;
type Ask = { per_day?: number | null; stop_fen?: number | null };

/** The dry run: what the campaign is expected to cost, drawn by the real code with seeds
 * that are thrown away. Nothing is written. */
export function DryRun({ id }: { id: string }) {
  const { t } = useTranslation('campaigns');
  const form = useId();
  const [ask, setAsk] = useState<Ask>({});
  const { data, error, isPending, isFetching, refetch } = useGet('/campaigns/{id}/dry-run', {
    params: {
      path: { id },
      query: { per_day: ask.per_day ? String(ask.per_day) : '', stop_fen: ask.stop_fen ? String(ask.stop_fen) : '' },
    },
    keep: true,
  });
  if (error?.code === 'dry_run') return <Alert type="info" showIcon title={errorText(error)} />;
  if (error && !data) return <Broken error={error} again={() => void refetch()} />;
  if (isPending || !data) return <Waiting height={160} />;
  return (
    <>
      <Form<Ask>
        layout="inline"
        style={{ rowGap: 8, marginBottom: 16 }}
        name={form}
        onFinish={(v) => unread(document.getElementById(form)) || setAsk(v)}
      >
        <Form.Item name="per_day" label={t('dry.perDay')}>
          <NumberInput min={1} placeholder={String(data.plan.per_day)} style={{ width: 130 }} />
        </Form.Item>
        <Form.Item name="stop_fen" label={t('dry.stop')}>
          <MoneyInput style={{ width: 160 }} />
        </Form.Item>
        <Button htmlType="submit" loading={isFetching}>
          {t('dry.again')}
        </Button>
      </Form>
      <Figures data={data} />
      <Charts data={data} />
    </>
  );
}

function Figures({ data }: { data: Rehearsal }) {
  const { t } = useTranslation('campaigns');
  const off = (data.off_permille / 10).toFixed(1);
  return (
    <StatCards
      items={[
        {
          key: 'expected',
          title: t('dry.expected'),
          about: t('dry.expectedAbout'),
          value: <Money fen={data.plan.cost_fen} />,
          note: t('dry.claims', { n: formatCount(data.plan.claims) }),
        },
        {
          key: 'worst',
          title: t('dry.worst'),
          about: t('dry.worstAbout'),
          value: <Money fen={data.worst_fen} />,
          note: t('dry.reserved', { fen: formatFen(data.spend_fen) }),
        },
        {
          key: 'simulated',
          title: t('dry.simulated', { n: formatCount(data.draws) }),
          about: t('dry.simulatedAbout', { rounds: data.rounds }),
          value: <Money fen={data.simulated_fen} />,
          note: (
            <>
              {t('dry.formula', { fen: formatFen(data.formula_fen), off: data.off_permille > 0 ? `+${off}` : off })}
              <br />
              {t('dry.deviation', {
                fen: formatFen(data.deviation_fen),
                low: formatFen(data.low_fen),
                high: formatFen(data.high_fen),
              })}
            </>
          ),
        },
        {
          key: 'end',
          title: t('dry.end'),
          about: t('dry.endAbout', { n: formatCount(data.plan.per_day) }),
          // It is said at the end of a day, which is the next one's beginning.
          value: data.plan.used_up_at ? dayOf(Date.parse(data.plan.used_up_at) - 1) : t('dry.notBefore'),
          note: data.plan.stop_at ? (
            <>
              {t('dry.stopped')} <Time at={data.plan.stop_at} />
            </>
          ) : (
            t('dry.free', { fen: formatFen(data.plan.free_fen) })
          ),
        },
      ]}
    />
  );
}

const yuan = (fen: number) => Math.round(fen) / 100;

function Charts({ data }: { data: Rehearsal }) {
  const { t } = useTranslation('campaigns');
  const course = useMemo(
    () => ({
      grid: { left: 64, right: 20, top: 20, bottom: 32 },
      tooltip: { trigger: 'axis' },
      xAxis: { type: 'category', data: data.plan.days.map((d) => dayText(d.day).slice(5)) },
      yAxis: { type: 'value', axisLabel: { formatter: '¥{value}' } },
      series: [
        {
          name: t('dry.course'),
          type: 'line',
          areaStyle: { opacity: 0.15 },
          showSymbol: false,
          data: data.plan.days.map((d) => yuan(d.cost_fen)),
        },
      ],
    }),
    [data, t],
  );
  const tiers = useMemo(
    () => ({
      grid: { left: 64, right: 20, top: 36, bottom: 32 },
      legend: { top: 0 },
      tooltip: { trigger: 'axis' },
      xAxis: { type: 'category', data: data.tiers.map((x) => x.name) },
      yAxis: { type: 'value' },
      series: [
        { name: t('dry.expectedWins'), type: 'bar', data: data.tiers.map((x) => Math.round(x.expected * 10) / 10) },
        { name: t('dry.wins'), type: 'bar', data: data.tiers.map((x) => Math.round(x.won * 10) / 10) },
      ],
    }),
    [data, t],
  );
  const sizes = useMemo(
    () => ({
      grid: { left: 64, right: 20, top: 20, bottom: 48 },
      tooltip: { trigger: 'axis' },
      xAxis: { type: 'category', axisLabel: { rotate: 30 }, data: data.costs.map((b) => `¥${yuan(b.from_fen)}`) },
      yAxis: { type: 'value' },
      series: [{ name: t('dry.sizes'), type: 'bar', barCategoryGap: '10%', data: data.costs.map((b) => b.prizes) }],
    }),
    [data, t],
  );
  return (
    <div className="campaign-grid" style={{ marginTop: 16 }}>
      <div>
        <h3 className="campaign-sub">{t('dry.course')}</h3>
        <Chart label={t('dry.course')} option={course} height={220} />
      </div>
      <div>
        <h3 className="campaign-sub">{t('dry.perTier', { n: formatCount(data.draws) })}</h3>
        <Chart label={t('dry.perTier', { n: data.draws })} option={tiers} height={220} />
      </div>
      {data.costs.length > 1 ? (
        <div>
          <h3 className="campaign-sub">{t('dry.sizes')}</h3>
          <Chart label={t('dry.sizes')} option={sizes} height={220} />
        </div>
      ) : null}
    </div>
  );
}
