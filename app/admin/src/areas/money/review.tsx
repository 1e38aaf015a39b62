import { useTranslation } from 'react-i18next';
import { useBrandID } from '@/app/brand';
import { DataTable, LinkButton, Money, Page, StateTag, Time } from '@/ui';
import { AskAgain, Cure, type Payout, Review } from './parts';
import { ageOf, optionsOf, useWords } from './words';

/** Payouts that a person must look at: what, why, and what to do. */
export function Component() {
  const { t } = useTranslation('money');
  const brand = useBrandID();
  const states = useWords('states');
  return (
    <Page title={t('menu.review')} about={t('review.about')} watermark>
      <DataTable
        id="money.review"
        path="/payouts"
        enabled={Boolean(brand)}
        params={{ query: { brand_id: brand, review: 'true' } }}
        filters={[{ name: 'state', label: t('payout.state'), kind: 'select', options: optionsOf(states) }]}
        to={(p: Payout) => `/money/payouts/${p.id}`}
        columns={[
          { key: 'bill', title: t('payout.bill'), render: (p: Payout) => <span className="nums">{p.bill_no}</span> },
          {
            key: 'amount',
            title: t('payout.amount'),
            align: 'right',
            render: (p: Payout) => <Money fen={p.amount_fen} />,
          },
          {
            key: 'state',
            title: t('payout.state'),
            render: (p: Payout) => <StateTag state={p.state} labels={states} />,
          },
          { key: 'why', title: t('review.why'), render: (p: Payout) => <Cure words={p.words} said={p.reason} /> },
          {
            key: 'age',
            title: t('review.since'),
            render: (p: Payout) => (
              <>
                <Time at={p.moved_at} /> <span className="muted">{t('recon.days', { count: ageOf(p.moved_at) })}</span>
              </>
            ),
          },
        ]}
        actions={(p: Payout) => (
          <span className="row-actions">
            <AskAgain payout={p} small />
            <Review payout={p} small />
          </span>
        )}
        empty={{
          title: t('review.none'),
          text: t('review.noneText'),
          action: <LinkButton to="/money/payouts">{t('review.all')}</LinkButton>,
          example: t('review.noneExample'),
        }}
      />
    </Page>
  );
}
