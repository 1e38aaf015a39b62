import type { TFunction } from 'i18next';
import type { Hit } from './places';

/** The words by which the page of such a thing calls its states. Goods and batches have none. */
export const words: Readonly<Record<string, string>> = {
  member: 'members:state',
  code: 'goods:codeState',
  leader: 'leaders:leaderState',
  group: 'leaders:groupState',
  campaign: 'app:states',
  payout: 'money:states',
  withdrawal: 'leaders:withdrawalState',
  operator: 'app:states',
  tag: 'audience:tag.state',
  segment: 'audience:segmentState',
  push: 'pushes:state',
};

/** stateOf is the state as the page of such a thing calls it. */
export function stateOf(t: TFunction, h: Pick<Hit, 'kind' | 'state'>): string {
  const own = words[h.kind];
  return own && h.state ? t(`${own}.${h.state}`, { defaultValue: h.state }) : '';
}
