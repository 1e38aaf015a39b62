import { Button, DatePicker } from 'antd';
import dayjs from 'dayjs';
import { Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { useGet } from '@/api';
import { useBrandID } from '@/app/brand';
import { slots } from '@/app/slots';
import { Broken, dayOf, Empty, formatCount, Money, Page, Section, StatCards, Table, Waiting } from '@/ui';
import { useWords } from './words';

/** What was paid in a month, by campaign and purpose, for finance. */
export function Component() {
  const { t } = useTranslation('money');
  const brand = useBrandID();
  const purposes = useWords('purposes');
  const rails = useWords('rails');
  const [search, setSearch] = useSearchParams();
  const month = search.get('month') ?? dayOf(new Date()).slice(0, 7);
  const { data, error, refetch } = useGet('/payout-summary', {
    params: { query: { brand_id: brand, month } },
    enabled: Boolean(brand),
    keep: true,
  });
  const go = (m: string) => {
    const next = new URLSearchParams(search);
    next.set('month', m);
    setSearch(next);
  };
  if (error && !data) return <Broken error={error} again={() => void refetch()} />;
  if (!data) return <Waiting />;
  const { ExportButton } = slots;
  const sum = data.total;
  const rows = data.lines ?? [];
  return (
    <Page
      title={t('menu.month')}
      about={t('month.about')}
      watermark
      asOf={data.as_of}
      actions={
        <>
          <DatePicker
            picker="month"
            aria-label={t('month.pick')}
            allowClear={false}
            value={dayjs(`${month}-01`)}
            maxDate={dayjs(dayOf(new Date()))}
            onChange={(at) => at && !Array.isArray(at) && go(at.format('YYYY-MM'))}
          />
          {ExportButton && rows.length > 0 ? (
            <Suspense fallback={null}>
              <ExportButton list="payout_month" query={{ brand_id: brand, month }} />
            </Suspense>
          ) : null}
        </>
      }
    >
      <StatCards
        items={[
          {
            key: 'settled',
            title: t('month.settled'),
            value: <Money fen={sum?.settled_fen} />,
            note: t('recon.count', { count: sum?.settled }),
            about: t('month.settledAbout'),
          },
          {
            key: 'returned',
            title: t('month.returned'),
            value: <Money fen={sum?.returned_fen} />,
            note: t('recon.count', { count: sum?.returned }),
            about: t('month.returnedAbout'),
          },
          {
            key: 'failed',
            title: t('month.failed'),
            value: <Money fen={sum?.failed_fen} />,
            note: t('recon.count', { count: sum?.failed }),
          },
        ]}
      />
      <Section title={t('month.by')}>
        <Table
          rows={rows}
          rowKey={(r) => [r.purpose, r.campaign_id, r.account_id, r.rail].join('/')}
          label={t('month.by')}
          columns={[
            {
              key: 'campaign',
              title: t('payout.campaign'),
              render: (r) =>
                r.campaign ? <Link to={`/campaigns/${r.campaign_id}`}>{r.campaign}</Link> : t('month.noCampaign'),
            },
            { key: 'purpose', title: t('payout.purpose'), render: (r) => purposes[r.purpose ?? ''] },
            { key: 'rail', title: t('payout.rail'), render: (r) => rails[r.rail ?? ''] },
            {
              key: 'account',
              title: t('payout.account'),
              render: (r) => data.accounts?.[r.account_id ?? '']?.name ?? '',
            },
            { key: 'settled', title: t('month.settledCount'), align: 'right', render: (r) => formatCount(r.settled) },
            {
              key: 'settled_fen',
              title: t('month.settled'),
              align: 'right',
              render: (r) => <Money fen={r.settled_fen} />,
            },
            {
              key: 'returned_fen',
              title: t('month.returned'),
              align: 'right',
              render: (r) => <Money fen={r.returned_fen} />,
            },
            {
              key: 'failed_fen',
              title: t('month.failed'),
              align: 'right',
              render: (r) => <Money fen={r.failed_fen} />,
            },
          ]}
          empty={
            <Empty
              title={t('month.none')}
              text={t('month.noneText')}
              example={t('month.noneExample')}
              action={
                <Button onClick={() => go(dayjs(`${month}-01`).subtract(1, 'month').format('YYYY-MM'))}>
                  {t('month.before')}
                </Button>
              }
            />
          }
        />
      </Section>
    </Page>
  );
}
