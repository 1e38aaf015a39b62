import { Alert, DatePicker, Segmented, Select } from 'antd';
import dayjs from 'dayjs';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { useGet, useList } from '@/api';
import { useBrandID } from '@/app/brand';
import { spoken } from '@/i18n/server';
import {
  Broken,
  Chart,
  dayOf,
  Empty,
  formatCount,
  Page,
  rangeOf,
  Section,
  StatCards,
  Table,
  useProducts,
  Waiting,
} from '@/ui';

const kept = ['product_id', 'batch_id', 'days', 'by'] as const;

/** The scan map: how many scans from which province and city, for a product or a batch. */
export function Component() {
  const { t } = useTranslation('goods');
  const brand = useBrandID();
  const [search, setSearch] = useSearchParams();
  const v = Object.fromEntries(kept.map((k) => [k, search.get(k) ?? ''])) as Record<(typeof kept)[number], string>;
  const set = (values: Partial<typeof v>) =>
    setSearch((old) => {
      const next = new URLSearchParams(old);
      for (const [k, x] of Object.entries(values)) {
        if (x) next.set(k, x);
        else next.delete(k);
      }
      return next;
    });
  const [from = '', to = ''] = (v.days || `${dayOf(dayjs().subtract(29, 'day').toDate())}~${dayOf(new Date())}`).split(
    '~',
  );
  const days = rangeOf(from, to);
  const byCity = v.by === 'city';
  const products = useProducts(brand, v.product_id);
  const batches = useList('/batches', {
    params: { query: { brand_id: brand, product_id: v.product_id || undefined, limit: '100' } },
    enabled: Boolean(brand),
  });
  const { data, error, refetch } = useGet('/scans/map', {
    params: {
      query: {
        brand_id: brand,
        product_id: v.product_id || undefined,
        batch_id: v.batch_id || undefined,
        from: days.from || undefined,
        until: days.until || undefined,
      },
    },
    enabled: Boolean(brand),
    refetchInterval: 60_000,
    keep: true,
  });
  const spots = data?.spots ?? [];
  const sum = (pick: (s: (typeof spots)[number]) => number) => spots.reduce((n, s) => n + pick(s), 0);
  const total = sum((s) => s.scans);
  const unknown = sum((s) => (s.province ? 0 : s.scans));
  const places = new Map<string, { key: string; province: string; city: string; scans: number; firsts: number }>();
  for (const s of spots) {
    if (!s.province) continue;
    const key = byCity ? `${s.province} ${s.city}` : s.province;
    const p = places.get(key) ?? { key, province: s.province, city: s.city, scans: 0, firsts: 0 };
    places.set(key, { ...p, scans: p.scans + s.scans, firsts: p.firsts + s.firsts });
  }
  const rows = [...places.values()].sort((a, b) => b.scans - a.scans);
  const shown = rows.slice(0, 20).reverse();
  const name = (r: (typeof rows)[number]) =>
    byCity && r.city && r.city !== r.province ? `${spoken(r.province)} ${r.city}` : spoken(r.province);
  return (
    <Page title={t('menu.map')} about={t('map.about')} asOf={data?.as_of}>
      <div style={{ display: 'flex', gap: 8, flexWrap: 'wrap', marginBottom: 16 }}>
        <Select
          aria-label={t('batch.product')}
          placeholder={t('batch.product')}
          allowClear
          style={{ minWidth: 180 }}
          value={v.product_id || undefined}
          onChange={(x) => set({ product_id: x, batch_id: '' })}
          showSearch={{ filterOption: false, onSearch: products.search }}
          loading={products.loading}
          options={products.options}
        />
        <Select
          aria-label={t('batch.name')}
          placeholder={t('batch.name')}
          allowClear
          style={{ minWidth: 180 }}
          value={v.batch_id || undefined}
          onChange={(x) => set({ batch_id: x })}
          options={(batches.data?.data ?? []).map((b) => ({ value: b.id, label: b.name }))}
        />
        <DatePicker.RangePicker
          aria-label={t('map.days')}
          value={[dayjs(from), dayjs(to)]}
          allowClear={false}
          onChange={(x) => x?.[0] && x[1] && set({ days: `${x[0].format('YYYY-MM-DD')}~${x[1].format('YYYY-MM-DD')}` })}
        />
        <Segmented
          aria-label={t('map.by')}
          value={byCity ? 'city' : 'province'}
          onChange={(x) => set({ by: x === 'city' ? 'city' : '' })}
          options={[
            { value: 'province', label: t('map.province') },
            { value: 'city', label: t('map.city') },
          ]}
        />
      </div>
      {error && !data ? <Broken error={error} again={() => void refetch()} /> : null}
      {!data && !error ? <Waiting /> : null}
      {data && total === 0 ? (
        <Empty title={t('map.empty')} text={t('map.emptyText')} example={t('map.example')} />
      ) : null}
      {data && total > 0 ? (
        <>
          <StatCards
            items={[
              { key: 'scans', title: t('batch.scans'), value: formatCount(total), about: t('batch.scansAbout') },
              {
                key: 'firsts',
                title: t('batch.firsts'),
                value: formatCount(sum((s) => s.firsts)),
                about: t('batch.firstsAbout'),
              },
              {
                key: 'places',
                title: byCity ? t('map.cities') : t('map.provinces'),
                value: formatCount(rows.length),
              },
              {
                key: 'unknown',
                title: t('map.unknown'),
                value: formatCount(unknown),
                note: `${((unknown / total) * 100).toFixed(1)}%`,
                about: t('map.unknownAbout'),
              },
            ]}
          />
          {unknown === total ? (
            <Alert type="info" showIcon title={t('map.noPlaces')} style={{ marginBottom: 16 }} />
          ) : null}
          <Section title={t('map.top', { n: Math.min(20, rows.length) })}>
            <Chart
              label={t('map.chart')}
              height={Math.max(160, 40 + shown.length * 26)}
              option={{
                grid: { left: 8, right: 48, top: 8, bottom: 8, containLabel: true },
                tooltip: { trigger: 'axis', axisPointer: { type: 'shadow' } },
                xAxis: { type: 'value', axisLabel: { hideOverlap: true } },
                yAxis: { type: 'category', data: shown.map(name) },
                series: [
                  {
                    name: t('batch.scans'),
                    type: 'bar',
                    data: shown.map((r) => r.scans),
                    barMaxWidth: 18,
                    label: { show: true, position: 'right' },
                  },
                ],
              }}
            />
          </Section>
          <Section title={t('map.table')}>
            <Table
              label={t('map.table')}
              rows={rows}
              rowKey={(r) => r.key}
              columns={[
                { key: 'name', title: byCity ? t('map.city') : t('map.province'), render: name },
                { key: 'scans', title: t('batch.scans'), align: 'right', render: (r) => formatCount(r.scans) },
                { key: 'firsts', title: t('batch.firsts'), align: 'right', render: (r) => formatCount(r.firsts) },
                {
                  key: 'share',
                  title: t('map.share'),
                  align: 'right',
                  render: (r) => <Heat share={r.scans / total} most={(rows[0]?.scans ?? 1) / total} />,
                },
              ]}
            />
          </Section>
        </>
      ) : null}
    </Page>
  );
}

/** Heat is a share as a number on a ground that is the darker the larger it is. */
function Heat({ share, most }: { share: number; most: number }) {
  return (
    <span
      className="nums"
      style={{
        padding: '1px 8px',
        borderRadius: 4,
        background: `rgba(9, 88, 217, ${((share / most) * 0.3).toFixed(2)})`,
      }}
    >
      {(share * 100).toFixed(1)}%
    </span>
  );
}
