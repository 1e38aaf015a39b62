import type { Data } from '@/api';

export type Hit = NonNullable<NonNullable<Data<'get', '/search'>>['hits']>[number];

/** placeOf is the page of what was found. */
export function placeOf(hit: Hit): string {
  switch (hit.kind) {
    case 'member':
      return `/members/${hit.id}`;
    case 'leader':
      return `/leaders/people/${hit.id}`;
    case 'group':
      return `/leaders/groups/${hit.id}`;
    case 'product':
      return `/goods/products/${hit.id}`;
    case 'batch':
      return `/goods/batches/${hit.id}`;
    case 'campaign':
      return `/campaigns/${hit.id}`;
    case 'payout':
      return `/money/payouts/${hit.id}`;
    case 'withdrawal':
      return `/leaders/withdrawals/${hit.id}`;
    case 'operator':
      return `/settings/staff/${hit.id}`;
    case 'tag':
      return `/audience/tags/${hit.id}`;
    case 'segment':
      return `/audience/segments/${hit.id}`;
    case 'push':
      return `/pushes/${hit.id}`;
    case 'code':
      return `/goods/codes?text=${encodeURIComponent(hit.title)}`;
    default:
      return '/';
  }
}
