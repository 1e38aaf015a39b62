import type { TFunction } from 'i18next';
import type { Row } from '@/api';
import { type Column, formatCount, Time } from '@/ui';
import { Share } from './Share';

type Batch = Row<'/batches'>;

/** batchColumns are what a batch shows in every list. */
export function batchColumns(t: TFunction<'goods'>, states: Record<string, string>): Column<Batch>[] {
  return [
    { key: 'name', title: t('batch.name'), render: (b) => b.name },
    { key: 'product', title: t('batch.product'), render: (b) => b.product },
    { key: 'count', title: t('batch.count'), align: 'right', render: (b) => formatCount(b.count) },
    {
      key: 'states',
      title: t('batch.states'),
      width: 240,
      render: (b) => <Share counts={b.counts} total={b.count} words={states} />,
    },
    { key: 'slot', title: t('batch.slot'), align: 'right', hidden: true, render: (b) => b.slot },
    { key: 'created', title: t('created'), render: (b) => <Time at={b.created_at} /> },
  ];
}
