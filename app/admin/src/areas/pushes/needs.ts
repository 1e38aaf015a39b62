import type { Data } from '@/api';
import type { People } from '@/areas/audience/people';
import { formatCount } from '@/ui';
import type { Push } from './draft';

type Need = Data<'get', '/pushes/{id}/needs'>;
type T = (key: string, options?: Record<string, unknown>) => string;

/** approval says whether a second person must agree, and why. */
export function approval(t: T, p: Pick<Push, 'purpose'>, n: Need, people: People): string {
  const limit = formatCount(n.limit);
  if (!n.need_approval) return t('review.noApproval', { n: limit });
  if (p.purpose === 'service') return t('review.approvalService');
  if (n.limit === 0) return t('review.approvalAll');
  if (people.under > 0) return t('review.approvalSome', { n: limit });
  if (n.people > n.limit) return t('review.approvalOver', { people: formatCount(n.people), n: limit });
  return t('review.approvalDay', { today: formatCount(n.today_people), n: limit });
}
