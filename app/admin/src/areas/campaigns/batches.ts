import { useCallback, useEffect, useMemo, useState } from 'react';
import { type Row, useList } from '@/api';
import { call } from '@/api/client';

export type BatchChoice = { id: string; productName: string; name: string; count: number };
export type Batches = {
  /** What the search found, or the newest. */
  list: BatchChoice[];
  /** Everything that was seen: the wanted ones, wherever they are in the list. */
  named: ReadonlyMap<string, BatchChoice>;
  counts: ReadonlyMap<string, number>;
  loading: boolean;
  search: (text: string) => void;
  learn: (more: readonly BatchChoice[]) => void;
};

type Line = Row<'/batches'>;
const choice = (b: Line): BatchChoice => ({ id: b.id, productName: b.product, name: b.name, count: b.count });
const page = 100; // the most that the server gives at once

/** useBatches finds a brand's batches at the server and names those of the given ids,
 * however old they are. */
export function useBatches(brand: string, wanted: readonly string[]): Batches {
  const [text, search] = useSearch();
  const [seen, setSeen] = useState<ReadonlyMap<string, BatchChoice>>(new Map());
  const found = useList('/batches', {
    params: { query: { brand_id: brand, q: text, limit: '50' } },
    enabled: Boolean(brand),
  });
  const missing = [...new Set(wanted)].filter((x) => x && !seen.has(x)).slice(0, page);
  const rest = useList('/batches', {
    params: { query: { brand_id: brand, ids: missing.join(','), limit: String(page) } },
    enabled: Boolean(brand) && found.data !== undefined && missing.length > 0,
  });
  const learn = useCallback((more: readonly BatchChoice[]) => {
    const add = more.map((b) => [b.id, b] as const);
    setSeen((old) => (more.every((b) => old.has(b.id)) ? old : new Map([...old, ...add])));
  }, []);
  useEffect(() => {
    learn([...(found.data?.data ?? []), ...(rest.data?.data ?? [])].map(choice));
  }, [learn, found.data, rest.data]);
  return useMemo(
    () => ({
      list: (found.data?.data ?? []).map(choice),
      named: seen,
      counts: new Map([...seen.values()].map((b) => [b.id, b.count])),
      loading: found.isFetching,
      search,
      learn,
    }),
    [found.data, found.isFetching, seen, search, learn],
  );
}

/** useSearch is what was typed, once nobody has typed for a moment. */
export function useSearch(): [string, (text: string) => void] {
  const [typed, setTyped] = useState('');
  const [text, setText] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => setText(typed.trim()), 250);
    return () => clearTimeout(timer);
  }, [typed]);
  return [text, setTyped];
}

/** batchesOf reads all batches of a product, up to as many as a campaign may have. */
export async function batchesOf(brand: string, product: string): Promise<BatchChoice[]> {
  const out: BatchChoice[] = [];
  for (let before = ''; out.length < 1000; ) {
    const query = { brand_id: brand, product_id: product, limit: String(page), before };
    const got = (await call('GET', '/batches', { params: { query } })) as { data: Line[]; next?: string };
    out.push(...got.data.map(choice));
    if (!got.next) break;
    before = got.next;
  }
  return out;
}
