import { Segmented } from 'antd';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Data, useGet } from '@/api';
import { spoken } from '@/i18n/server';
import { Broken, Chart, dayOf, formatCount, formatTime, Money, Section, StatCards, Table, Time, Waiting } from '@/ui';
import type { Campaign } from './draft';
import { MoneyBar } from './MoneyBar';

type Numbers = NonNullable<Data<'get', '/campaigns/{id}/live'>>;

/** The numbers of a campaign, asked again every five seconds while it runs. */
export function Live({ c }: { c: Campaign }) {
  const { t } = useTranslation('campaigns');
  const { data, error, refetch } = useGet('/campaigns/{id}/live', {
    params: { path: { id: c.id } },
    refetchInterval: c.stage === 'running' ? 5000 : false,
  });
  if (error && !data) return <Broken error={error} again={() => void refetch()} />;
  if (!data) return <Waiting height={200} />;
  const share = data.codes
    ? `${((data.claimed / data.codes) * 100).toFixed(data.claimed && data.claimed * 100 < data.codes ? 2 : 1)}%`
    : '—';
  return (
    <>
      <Section
        title={t('live.title')}
        extra={
          <span className="muted">
            {t('live.asOf')} <Time at={data.as_of} seconds precise={false} />
          </span>
        }
      >
        <StatCards
          items={[
            {
              key: 'claimed',
              title: t('live.claimed'),
              about: t('live.claimedAbout'),
              value: formatCount(data.claimed),
              note: t('live.ofCodes', { codes: formatCount(data.codes), share }),
            },
            {
              key: 'members',
              title: t('live.members'),
              about: t('live.membersAbout', { at: formatTime(data.region_as_of) }),
              value: formatCount(data.members),
            },
            { key: 'won', title: t('money.won'), about: t('live.wonAbout'), value: <Money fen={data.won_fen} /> },
            { key: 'paid', title: t('money.paid'), about: t('live.paidAbout'), value: <Money fen={data.paid_fen} /> },
          ]}
        />
        <h3 className="campaign-sub" style={{ marginTop: 16 }}>
          {t('money.title')}
        </h3>
        <MoneyBar
          total={data.spend_fen}
          parts={[
            { key: 'paid', fen: data.paid_fen, colour: '#237804' },
            { key: 'open', fen: data.open_fen, colour: '#0958d9' },
            { key: 'returned', fen: data.returned_fen, colour: '#ad6800' },
            { key: c.state === 'ended' ? 'freed' : 'left', fen: data.spend_fen - data.won_fen, colour: '#bfbfbf' },
          ]}
        />
      </Section>
      <div className="campaign-grid">
        <Course data={data} />
        <Section title={t('live.tiers')}>
          <Table
            label={t('live.tiers')}
            rows={data.prizes}
            rowKey={(p) => String(p.tier)}
            columns={[
              { key: 'name', title: t('prizes.name'), render: (p) => p.name },
              {
                key: 'sealed',
                title: t('live.sealed'),
                about: t('live.sealedAbout'),
                align: 'right',
                render: (p) => formatCount(p.winners),
              },
              { key: 'won', title: t('live.given'), align: 'right', render: (p) => formatCount(p.claimed) },
              { key: 'left', title: t('live.left'), align: 'right', render: (p) => formatCount(p.left) },
              {
                key: 'fen',
                title: t('money.won'),
                align: 'right',
                render: (p) => (p.kind === 'cash' ? <Money fen={p.fen} /> : '—'),
              },
            ]}
          />
        </Section>
      </div>
      <Regions data={data} />
    </>
  );
}

function Course({ data }: { data: Numbers }) {
  const { t } = useTranslation('campaigns');
  const [by, setBy] = useState<'hour' | 'day'>('hour');
  const option = useMemo(() => {
    const slots = new Map<string, number>();
    for (const h of data.hours) {
      const key = by === 'hour' ? formatTime(h.at).slice(5) : dayOf(h.at);
      slots.set(key, (slots.get(key) ?? 0) + h.claims);
    }
    const rows = [...slots.entries()].slice(by === 'hour' ? -48 : -60);
    return {
      grid: { left: 56, right: 16, top: 20, bottom: 32 },
      tooltip: { trigger: 'axis' },
      xAxis: { type: 'category', data: rows.map(([k]) => k) },
      yAxis: { type: 'value', minInterval: 1 },
      series: [{ name: t('live.claims'), type: 'bar', barMaxWidth: 28, data: rows.map(([, n]) => n) }],
    };
  }, [data.hours, by, t]);
  return (
    <Section
      title={t('live.course')}
      extra={
        <Segmented
          size="small"
          aria-label={t('live.course')}
          value={by}
          onChange={setBy}
          options={[
            { value: 'hour', label: t('live.byHour') },
            { value: 'day', label: t('live.byDay') },
          ]}
        />
      }
    >
      {data.hours.length ? (
        <Chart label={t('live.course')} option={option} height={240} />
      ) : (
        <p className="muted">{t('live.noClaims')}</p>
      )}
    </Section>
  );
}

function Regions({ data }: { data: Numbers }) {
  const { t } = useTranslation('campaigns');
  const top = data.regions.slice(0, 10);
  const option = useMemo(() => {
    const rows = data.regions.slice(0, 10).toReversed();
    return {
      grid: { left: 84, right: 40, top: 8, bottom: 24 },
      tooltip: { trigger: 'axis' },
      xAxis: { type: 'value', minInterval: 1 },
      yAxis: { type: 'category', data: rows.map((r) => spoken(r.province) || t('live.unknownRegion')) },
      series: [
        {
          name: t('live.claims'),
          type: 'bar',
          barMaxWidth: 18,
          label: { show: true, position: 'right' },
          data: rows.map((r) => r.claims),
        },
      ],
    };
  }, [data.regions, t]);
  return (
    <Section
      title={t('live.regions')}
      extra={
        data.region_as_of ? (
          <span className="muted">
            {t('live.asOf')} <Time at={data.region_as_of} seconds precise={false} />
          </span>
        ) : undefined
      }
    >
      {top.length ? (
        <Chart label={t('live.regions')} option={option} height={60 + top.length * 28} />
      ) : (
        <p className="muted">{t('live.noRegions')}</p>
      )}
    </Section>
  );
}
