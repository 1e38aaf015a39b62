import { useEffect, useState } from 'react';
import { useGet, useList } from '@/api/hooks';
import type { Option } from './filters';

/** useProducts finds a brand's products at the server while somebody types, and names the one
 * that is chosen, however old it is: a brand has more of them than a page of a list. */
export function useProducts(
  brand: string,
  chosen?: string,
): { options: Option[]; search: (text: string) => void; loading: boolean } {
  const [typed, search] = useState('');
  const [text, setText] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => setText(typed.trim()), 250);
    return () => clearTimeout(timer);
  }, [typed]);
  const found = useList('/products', {
    params: { query: { brand_id: brand, q: text, limit: '50' } },
    enabled: Boolean(brand),
  });
  const list = found.data?.data ?? [];
  const missing = Boolean(chosen && found.data && !list.some((p) => p.id === chosen));
  const one = useGet('/products/{id}', { params: { path: { id: chosen ?? '' } }, enabled: missing });
  const all = missing && one.data ? [one.data, ...list] : list;
  return {
    options: all.map((p) => ({ value: p.id ?? '', label: [p.name, p.spec].filter(Boolean).join(' · ') })),
    search,
    loading: found.isFetching,
  };
}
