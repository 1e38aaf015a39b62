import { useTranslation } from 'react-i18next';
import { type Data, useGet } from '@/api';
import { usePeople } from '@/areas/audience/people';
import { formatFen, Section, Table } from '@/ui';

type EstimateData = Data<'get', '/pushes/{id}/estimate'>;

/** useEstimate is what a push would cost if it began now; version: of what is asked about. */
export function useEstimate(id: string, enabled = true): EstimateData | undefined {
  return useGet('/pushes/{id}/estimate', { params: { path: { id } }, enabled }).data;
}

/** useYuan writes a price in li, a tenth of a fen, as yuan. */
export const yuanOf = (li: number): string => `¥${(li / 1000).toFixed(3)}`;

/** Estimate says what a push would cost and use up, to who writes it and to who agrees. */
export function Estimate({ id }: { id: string }) {
  const { t } = useTranslation('pushes');
  const people = usePeople();
  const e = useEstimate(id);
  if (!e?.known) return null;
  return (
    <Section title={t('estimate.title')}>
      <p className="reach-sentence">
        {e.cost_fen > 0
          ? t('estimate.costs', { fen: formatFen(e.cost_fen) })
          : e.ways.some((w) => w.people > 0)
            ? t('estimate.free')
            : t(people.under > 0 ? 'estimate.few' : 'estimate.nobody', { n: people.under })}
      </p>
      <Table
        label={t('estimate.title')}
        rows={e.ways}
        rowKey={(w) => `${w.channel}${w.account_id}${w.template_id}`}
        columns={[
          {
            key: 'way',
            title: t('reach.way'),
            render: (w) => t(`channel.${w.channel}`, { defaultValue: w.channel }),
          },
          { key: 'people', title: t('estimate.people'), align: 'right', render: (w) => people.about(w.people) },
          {
            key: 'messages',
            title: t('estimate.messages'),
            align: 'right',
            about: t('estimate.messagesAbout'),
            render: (w) => (w.price_li > 0 ? people.about(w.messages) : '—'),
          },
          {
            key: 'price',
            title: t('estimate.price'),
            align: 'right',
            render: (w) => (w.price_li > 0 ? yuanOf(w.price_li) : t('estimate.noPrice')),
          },
          {
            key: 'cost',
            title: t('report.cost'),
            align: 'right',
            render: (w) => (w.cost_fen > 0 ? formatFen(w.cost_fen) : '—'),
          },
          {
            key: 'uses',
            title: t('estimate.uses'),
            render: (w) =>
              w.of_month > 0
                ? t('estimate.ofMonth', { n: w.of_month })
                : w.grants
                  ? t('estimate.grants', { n: people.of(w.people) })
                  : '—',
          },
        ]}
      />
      <p className="muted">{t('estimate.about')}</p>
    </Section>
  );
}
