import { useMemo } from 'react';
import { useList } from '@/api';

export type BatchChoice = { id: string; product: string; productName: string; name: string; count: number };
export type Batches = { list: BatchChoice[]; counts: Map<string, number>; loading: boolean };

/** useBatches reads which codes a brand has: its newest batches with their products. */
export function useBatches(brand: string): Batches {
  const query = { brand_id: brand, limit: '100' };
  const batches = useList('/batches', { params: { query }, enabled: Boolean(brand) });
  const products = useList('/products', { params: { query }, enabled: Boolean(brand) });
  return useMemo(() => {
    const names = new Map((products.data?.data ?? []).map((p) => [p.id, `${p.name} ${p.spec}`.trim()]));
    const list = (batches.data?.data ?? []).map((b) => ({
      id: b.id,
      product: b.product_id ?? '',
      productName: names.get(b.product_id ?? '') ?? b.product_id ?? '',
      name: b.name,
      count: b.count,
    }));
    return {
      list,
      counts: new Map(list.map((b) => [b.id, b.count])),
      loading: batches.isPending || products.isPending,
    };
  }, [batches.data, products.data, batches.isPending, products.isPending]);
}
