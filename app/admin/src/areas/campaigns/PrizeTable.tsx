import { useTranslation } from 'react-i18next';
import { formatCount, formatFen, Money, Table } from '@/ui';
import { type Campaign, oddsText } from './draft';

type Tier = NonNullable<Campaign['tiers']>[number];

/** PrizeTable is what a campaign gives: what to each, to how many of its codes, for how much in
 * all. With kinds it says of a tier what it is, and of one that gives nothing the words that
 * are shown instead. */
export function PrizeTable({ tiers, codes, kinds = false }: { tiers: Tier[]; codes: number; kinds?: boolean }) {
  const { t } = useTranslation('campaigns');
  const each = (x: Tier) => {
    if (x.kind === 'points') return t('prizes.pointsEach', { n: formatCount(x.points) });
    if (x.kind !== 'cash') return kinds ? x.text || '—' : t('kind.nothing');
    return x.min_fen === x.max_fen ? formatFen(x.min_fen) : `${formatFen(x.min_fen)} – ${formatFen(x.max_fen)}`;
  };
  return (
    <Table
      label={t('frozen.prizes')}
      rows={tiers}
      rowKey={(x) => String(x.tier)}
      columns={[
        { key: 'name', title: t('prizes.name'), render: (x) => x.name },
        ...(kinds ? [{ key: 'kind', title: t('prizes.kind'), render: (x: Tier) => t(`kind.${x.kind}`) }] : []),
        { key: 'amount', title: t('prizes.amount'), render: each },
        { key: 'winners', title: t('prizes.winners'), align: 'right', render: (x) => formatCount(x.winners) },
        { key: 'odds', title: t('prizes.odds'), align: 'right', render: (x) => oddsText(x.winners, codes) },
        { key: 'cost', title: t('prizes.cost'), align: 'right', render: (x) => <Money fen={x.total_fen} /> },
      ]}
    />
  );
}
