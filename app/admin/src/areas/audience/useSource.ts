import { useState } from 'react';
import { useGet, useList } from '@/api';
import { useCan } from '@/app/session';
import type { Choice, Source } from './builder/source';

/** useRuleSource reads what the conditions of a brand's segments or tags can be about; null
 * until it is known. What somebody may not read is not offered. */
export function useRuleSource(brand: string, of: 'segment' | 'tag'): { source: Source | null; error: unknown } {
  const can = useCan();
  const enabled = Boolean(brand);
  const [product, findProducts] = useState('');
  const [tag, findTags] = useState('');
  const words = useGet('/segments/words', { params: { query: { brand_id: brand } }, enabled });
  const products = useList('/products', {
    params: { query: { brand_id: brand, q: product, limit: '100' } },
    enabled: enabled && can('product:read'),
  });
  const tags = useList('/tags', {
    params: { query: { brand_id: brand, state: 'running', q: tag, limit: '100' } },
    enabled: enabled && can('tag:read'),
  });
  const segments = useList('/segments', {
    params: { query: { brand_id: brand, state: 'active', limit: '100' } },
    enabled: enabled && of === 'segment',
  });
  const lists = useList('/segment-lists', {
    params: { query: { brand_id: brand, limit: '100' } },
    enabled: enabled && of === 'segment',
  });
  const accounts = useGet('/brands/{id}/accounts', {
    params: { path: { id: brand } },
    enabled: enabled && can('account:read'),
  });
  if (!words.data) return { source: null, error: words.error };
  const named = (rows: readonly { id: string | null; name: string }[] | null | undefined): Choice[] =>
    (rows ?? []).map((r) => ({ value: r.id ?? '', label: r.name }));
  return {
    error: null,
    source: {
      attrs: words.data.attrs,
      acts: words.data.acts,
      products: (products.data?.data ?? []).map((p) => ({ value: p.id ?? '', label: `${p.name} ${p.spec}`.trim() })),
      tags: named(tags.data?.data),
      segments: named(segments.data?.data),
      lists: named(lists.data?.data),
      accounts: named((accounts.data ?? []).filter((a) => a.kind === 'official')),
      findProducts,
      findTags,
    },
  };
}
