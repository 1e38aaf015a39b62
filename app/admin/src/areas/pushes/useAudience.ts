import { useGet } from '@/api';
import { type Draft, ruleOfList, templated, type Use } from './draft';

type Asked = Pick<Draft, 'who' | 'segment_id' | 'list_id' | 'purpose' | 'topic'>;

/** waysQuery writes ways as the counting of a segment takes them. */
export function waysQuery(uses: readonly Use[]): string {
  const whole = uses.filter(
    (u) => u.channel && (u.channel === 'sms' || u.account_id) && (!templated(u.channel) || u.template_id),
  );
  return JSON.stringify(
    whole.map((u) => ({
      channel: u.channel,
      ...(u.channel === 'sms' ? {} : { account_id: u.account_id }),
      ...(templated(u.channel) ? { template_id: u.template_id } : {}),
    })),
  );
}

/** useAudience counts the people of a draft, from the brand's to those who can be reached
 * now by its ways; by every way that there is while it names none. */
export function useAudience(brand: string, d: Asked, uses: readonly Use[]) {
  const segment = useGet('/segments/{id}', {
    params: { path: { id: d.segment_id ?? '' } },
    enabled: d.who === 'segment' && Boolean(d.segment_id),
  });
  const tree =
    d.who === 'list'
      ? d.list_id
        ? ruleOfList(d.list_id)
        : undefined
      : d.segment_id
        ? segment.data?.rule.tree
        : undefined;
  const all = useGet('/reach/ways', {
    params: { query: { brand_id: brand } },
    enabled: Boolean(brand) && uses.length === 0,
  });
  const any = (all.data ?? []).map((w) => ({ ...w, template_id: w.template_id ?? '' })).slice(0, 16);
  const ways = waysQuery(uses.length > 0 ? uses : any);
  const size = useGet('/segments/size', {
    params: {
      query: {
        brand_id: brand,
        tree: JSON.stringify(tree ?? {}),
        purpose: d.purpose,
        ...(d.topic ? { topic: d.topic } : {}),
        ...(ways === '[]' ? {} : { uses: ways }),
      },
    },
    enabled: Boolean(brand) && Boolean(tree),
    keep: true,
  });
  return { size, chosen: Boolean(tree), error: segment.error ?? size.error };
}
