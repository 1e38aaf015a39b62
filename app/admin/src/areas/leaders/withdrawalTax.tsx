import { Button, DatePicker, Space } from 'antd';
import dayjs from 'dayjs';
import { Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation, useNavigate, useSearchParams } from 'react-router';
import { useList } from '@/api';
import { useBrandID } from '@/app/brand';
import { slots } from '@/app/slots';
import { Broken, dayOf, Empty, Money, Section, StatCards, Table, Time } from '@/ui';
import { Person } from './parts';

/** WithdrawalTax is what was paid in a month and the tax withheld of it. Month and page are in
 * the address; a file of the month goes the way of all lists. */
export function WithdrawalTax() {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const [search] = useSearchParams();
  const navigate = useNavigate();
  const asked = search.get('month') ?? '';
  const month = /^20\d\d-(0[1-9]|1[0-2])$/.test(asked) ? asked : dayOf(new Date()).slice(0, 7);
  const after = search.get('after') ?? '';
  // The pages before this one; a shared link has none, and then "back" means the first page.
  const behind = (useLocation().state as { behind?: string[] } | null)?.behind ?? [];
  const query = { brand_id: brand, month: month.replace('-', ''), ...(after ? { after } : {}), limit: '100' };
  const { data, error, isPending, refetch } = useList('/withdrawals/tax', {
    params: { query },
    enabled: Boolean(brand),
  });
  const go = (to: { month: string; after: string }, stack: string[]) => {
    const next = new URLSearchParams(search);
    next.set('month', to.month);
    if (to.after) next.set('after', to.after);
    else next.delete('after');
    navigate({ search: next.toString() }, { state: { behind: stack } });
  };
  if (error && !data) return <Broken error={error} again={() => void refetch()} />;
  const rows = data?.data ?? [];
  const sum = (of: (r: (typeof rows)[number]) => number) => rows.reduce((n, r) => n + of(r), 0);
  const part = Boolean(after || data?.next);
  const { ExportButton } = slots;
  return (
    <>
      <StatCards
        items={[
          { key: 'n', title: t('tax.count'), value: rows.length, note: part ? t('tax.page') : undefined },
          {
            key: 'gross',
            title: t('tax.gross'),
            value: <Money fen={sum((r) => r.amount_fen)} />,
            note: part ? t('tax.page') : undefined,
          },
          {
            key: 'tax',
            title: t('tax.tax'),
            value: <Money fen={sum((r) => r.tax_fen)} />,
            note: part ? t('tax.page') : undefined,
          },
        ]}
      />
      <Section
        title={t('tax.title')}
        extra={
          <Space wrap>
            <DatePicker
              picker="month"
              allowClear={false}
              aria-label={t('tax.month')}
              value={dayjs(`${month}-01`)}
              onChange={(d) => {
                const picked = Array.isArray(d) ? d[0] : d;
                if (picked) go({ month: picked.format('YYYY-MM'), after: '' }, []);
              }}
            />
            {ExportButton && rows.length > 0 ? (
              <Suspense fallback={null}>
                <ExportButton
                  list="withdrawal_tax"
                  query={{ brand_id: brand, month }}
                  what={t('tax.what', { month: dayjs(`${month}-01`).format(t('tax.monthFormat')) })}
                />
              </Suspense>
            ) : null}
          </Space>
        }
      >
        <Table
          loading={isPending}
          rows={rows}
          to={(r) => `/leaders/withdrawals/${r.id}`}
          columns={[
            { key: 'id', title: t('withdrawals.number'), render: (r) => r.id },
            { key: 'who', title: t('withdrawals.who'), render: (r) => <Person who={r.who} id={r.member_id} /> },
            { key: 'gross', title: t('tax.gross'), align: 'right', render: (r) => <Money fen={r.amount_fen} /> },
            { key: 'tax', title: t('tax.tax'), align: 'right', render: (r) => <Money fen={r.tax_fen} /> },
            {
              key: 'net',
              title: t('withdrawals.net'),
              align: 'right',
              render: (r) => <Money fen={r.amount_fen - r.tax_fen} />,
            },
            {
              key: 'note',
              title: t('tax.note'),
              render: (r) => (
                <span className="wrap" style={{ maxWidth: 150 }}>
                  {r.tax_note || '—'}
                </span>
              ),
            },
            { key: 'bill', title: t('withdrawals.bill'), render: (r) => r.bill_no },
            { key: 'at', title: t('tax.paidAt'), render: (r) => <Time at={r.finished_at} /> },
          ]}
          empty={<Empty title={t('tax.empty')} text={t('tax.emptyText')} example={t('tax.example')} />}
        />
        {part ? (
          <div className="table-foot">
            <span />
            <Space>
              <Button disabled={!after} onClick={() => go({ month, after: behind.at(-1) ?? '' }, behind.slice(0, -1))}>
                {t('page.previous')}
              </Button>
              <Button
                disabled={!data?.next}
                onClick={() => data?.next && go({ month, after: data.next }, [...behind, after])}
              >
                {t('page.next')}
              </Button>
            </Space>
          </div>
        ) : null}
      </Section>
    </>
  );
}
