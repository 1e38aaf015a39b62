import { Alert, Segmented } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { type Data, useGet } from '@/api';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { usePeople } from '@/areas/audience/people';
import { Broken, Chart, Section, StatCards, Table, Time, Waiting } from '@/ui';

const spans = [30, 90, 365] as const;

/** useWish says what a wish is about: of which brands, which topic, which channel. */
function useWish() {
  const { t } = useTranslation('pushes');
  return (w: { all_brands: boolean; topic: string; channel: string }) =>
    [
      w.all_brands ? t('optouts.allBrands') : '',
      w.topic || t('optouts.offers'),
      w.channel ? t(`channel.${w.channel}`, { defaultValue: w.channel }) : t('optouts.allWays'),
    ]
      .filter(Boolean)
      .join(' · ');
}

/** Who refused messages lately, by day, by what was refused, and after which push. */
export function OptOuts() {
  const { t } = useTranslation('pushes');
  const brand = useBrandID();
  const wish = useWish();
  const people = usePeople();
  const [days, setDays] = useState<number>(30);
  const found = useGet('/reach/optouts', {
    params: { query: { brand_id: brand, days: String(days) } },
    enabled: Boolean(brand),
    keep: true,
  });
  if (found.error && !found.data) return <Broken error={found.error} again={() => void found.refetch()} />;
  const o = found.data;
  if (!o) return <Waiting />;
  return (
    <>
      <Segmented
        aria-label={t('optouts.span')}
        value={days}
        onChange={setDays}
        options={spans.map((value) => ({ value, label: t('optouts.days', { n: value }) }))}
        style={{ marginBottom: 12 }}
      />
      <StatCards
        items={[
          { key: 'out', title: t('optouts.out'), value: people.of(o.out), about: t('optouts.about') },
          { key: 'back', title: t('optouts.back'), value: people.of(o.back) },
        ]}
      />
      {people.under > 0 ? <p className="muted">{t('optouts.rounded', { n: people.under })}</p> : null}
      <Section title={t('optouts.byDay')} extra={<Time at={o.as_of} />}>
        <Days data={o} />
      </Section>
      <Section title={t('optouts.byKind')}>
        <Table
          label={t('optouts.byKind')}
          rows={o.kinds}
          rowKey={(k) => `${k.all_brands}${k.topic}/${k.channel}/${k.source}`}
          columns={[
            { key: 'what', title: t('optouts.what'), render: wish },
            {
              key: 'purpose',
              title: t('reach.purpose'),
              render: (k) => t(k.topic ? 'optouts.both' : 'purpose.marketing'),
            },
            {
              key: 'source',
              title: t('optouts.source'),
              render: (k) => t(`optouts.from.${k.source}`, { defaultValue: k.source }),
            },
            { key: 'out', title: t('optouts.out'), align: 'right', render: (k) => people.of(k.out) },
            { key: 'back', title: t('optouts.back'), align: 'right', render: (k) => people.of(k.back) },
          ]}
          empty={people.under > 0 ? t('optouts.few', { n: people.under }) : t('optouts.none')}
        />
      </Section>
      <Section title={t('optouts.byPush')}>
        <p className="muted">{t('optouts.followed')}</p>
        <Table
          label={t('optouts.byPush')}
          rows={o.pushes}
          rowKey={(p) => p.push_id ?? ''}
          columns={[
            {
              key: 'name',
              title: t('field.name'),
              render: (p) => <Link to={`/pushes/${p.push_id}?tab=report`}>{p.name}</Link>,
            },
            { key: 'out', title: t('optouts.out'), align: 'right', render: (p) => people.of(p.out) },
          ]}
          empty={people.under > 0 ? t('optouts.few', { n: people.under }) : t('optouts.none')}
        />
      </Section>
    </>
  );
}

function Days({ data: o }: { data: Data<'get', '/reach/optouts'> }) {
  const { t } = useTranslation('pushes');
  const { under } = usePeople();
  if (o.out + o.back === 0)
    return <p className="muted">{under > 0 ? t('optouts.few', { n: under }) : t('optouts.none')}</p>;
  const day = (n: number) => `${String(n).slice(4, 6)}-${String(n).slice(6)}`;
  return (
    <Chart
      label={t('optouts.byDay')}
      height={220}
      option={{
        grid: { left: 40, right: 12, top: 32, bottom: 28 },
        legend: { top: 0, right: 0 },
        tooltip: { trigger: 'axis' },
        xAxis: { type: 'category', data: o.days.map((d) => day(d.day)) },
        yAxis: { type: 'value', minInterval: 1 },
        series: [
          { type: 'bar', name: t('optouts.out'), data: o.days.map((d) => d.out), itemStyle: { color: '#cf1322' } },
          { type: 'bar', name: t('optouts.back'), data: o.days.map((d) => d.back), itemStyle: { color: '#389e0d' } },
        ],
      }}
    />
  );
}

/** Who refused messages after one push. */
export function After({ id, sent }: { id: string; sent?: number }) {
  const { t } = useTranslation('pushes');
  const wish = useWish();
  const people = usePeople();
  const may = useCan()('member:read');
  const found = useGet('/pushes/{id}/optouts', { params: { path: { id } }, refetchInterval: 60_000 });
  const o = found.data;
  if (!o) return null;
  return (
    <Section title={t('optouts.after')}>
      {o.people === 0 ? (
        <p className="muted">
          {people.under > 0 ? t('optouts.afterFew', { n: people.under }) : t('optouts.afterNone')}
        </p>
      ) : (
        <Alert
          type="warning"
          showIcon
          style={{ marginBottom: 12 }}
          title={t(sent ? 'optouts.afterOf' : 'optouts.afterN', {
            n: people.of(o.people),
            share: sent ? ((100 * o.people) / sent).toFixed(1) : '',
          })}
        />
      )}
      <p className="muted">{t('optouts.followed')}</p>
      {o.list.length > 0 ? (
        <Table
          label={t('optouts.after')}
          rows={o.list}
          rowKey={(x) => `${x.member_id}${x.at}${x.topic}${x.channel}`}
          columns={[
            {
              key: 'member',
              title: t('someone.member'),
              render: (x) =>
                may && x.member_id ? <Link to={`/members/${x.member_id}`}>{x.member_id}</Link> : (x.member_id ?? '—'),
            },
            { key: 'what', title: t('optouts.what'), render: wish },
            {
              key: 'source',
              title: t('optouts.source'),
              render: (x) => t(`optouts.from.${x.source}`, { defaultValue: x.source }),
            },
            {
              key: 'through',
              title: t('reach.way'),
              render: (x) => (x.through ? t(`channel.${x.through}`, { defaultValue: x.through }) : '—'),
            },
            { key: 'back', title: t('optouts.now'), render: (x) => t(x.back ? 'optouts.isBack' : 'optouts.isOut') },
            { key: 'at', title: t('someone.at'), width: 170, render: (x) => <Time at={x.at} /> },
          ]}
        />
      ) : null}
    </Section>
  );
}
