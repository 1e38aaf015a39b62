// What forms of this area offer for choice: accounts, goods, leaders, groups.
import { useGet, useList } from '@/api';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';

type Option = { value: string; label: string };
type Account = { id: string; kind: string; name: string; app_id: string };

/** useAccounts are the brand's WeChat accounts of a kind. */
export function useAccounts(kind: string): Account[] {
  const brand = useBrandID();
  const can = useCan()('account:read');
  const { data } = useGet('/brands/{id}/accounts', { params: { path: { id: brand } }, enabled: Boolean(brand) && can });
  return ((data ?? []) as unknown as Account[]).filter((a) => a.kind === kind);
}

export function useMerchants(): Option[] {
  return useAccounts('merchant').map((a) => ({ value: a.id, label: `${a.name || a.app_id} (${a.app_id})` }));
}

/** useGoods are the brand's products. */
export function useGoods(): Option[] {
  const brand = useBrandID();
  const can = useCan()('product:read');
  const { data } = useList('/products', {
    params: { query: { brand_id: brand, limit: '100' } },
    enabled: Boolean(brand) && can,
  });
  return ((data?.data ?? []) as unknown as { id: string; name: string; spec: string }[]).map((p) => ({
    value: p.id,
    label: `${p.name} ${p.spec ?? ''}`.trim(),
  }));
}

/** useLeaders are those who run communities. */
export function useLeaders(): Option[] {
  const brand = useBrandID();
  const can = useCan()('leader:read');
  const { data } = useList('/leaders', {
    params: { query: { brand_id: brand, state: 'active', limit: '100' } },
    enabled: Boolean(brand) && can,
  });
  return (data?.data ?? []).map((l) => ({ value: l.id, label: l.name }));
}

/** useGroups are the communities that are not closed. */
export function useGroups(): Option[] {
  const brand = useBrandID();
  const { data } = useList('/groups', {
    params: { query: { brand_id: brand, limit: '100' } },
    enabled: Boolean(brand),
  });
  return (data?.data ?? [])
    .filter((g) => g.state !== 'closed')
    .map((g) => ({ value: g.id, label: `${g.name} (${g.size}/${g.scan_capacity})` }));
}
