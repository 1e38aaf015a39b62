import { useGet } from '@/api';
import { useCan } from '@/app/session';

/** usePlan is how the people of a segment would be reached with an offer: by any way that the
 * brand has. Empty where there is none, or who asks may not read them: then only the people
 * are counted. */
export function usePlan(brand: string, wanted: boolean): { purpose: 'marketing'; uses: string } | object {
  const may = useCan()('reach:read');
  const ways = useGet('/reach/ways', {
    params: { query: { brand_id: brand } },
    enabled: wanted && may && Boolean(brand),
  });
  const uses = (ways.data ?? []).slice(0, 16).map((w) => ({
    channel: w.channel,
    ...(w.account_id ? { account_id: w.account_id } : {}),
    ...(w.template_id ? { template_id: w.template_id } : {}),
  }));
  return uses.length > 0 ? { purpose: 'marketing', uses: JSON.stringify(uses) } : {};
}
