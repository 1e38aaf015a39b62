// The brand somebody works for. It stands in the address (?brand=) where there is more
// than one, so that a shared link opens the same rows; this machine remembers the last.
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo } from 'react';
import { useSearchParams } from 'react-router';
import { useList } from '@/api';
import { useCan } from './session';

export type Brand = { id: string; name: string; slug: string };
type Chosen = {
  brand: Brand | undefined;
  brands: readonly Brand[];
  loading: boolean;
  /** Why it is not known which brands there are. */
  error: unknown;
  again: () => void;
  choose: (id: string) => void;
};

const kept = 'siyu.brand';
const Context = createContext<Chosen>({
  brand: undefined,
  brands: [],
  loading: false,
  error: null,
  again: () => {},
  choose: () => {},
});

/** useBrand is the chosen brand; undefined while there is none (an empty install). */
export function useBrand(): Chosen {
  return useContext(Context);
}

/** useBrandID is its id for requests, '' while there is none. */
export function useBrandID(): string {
  return useContext(Context).brand?.id ?? '';
}

export function Brands({ children }: { children: ReactNode }) {
  const may = useCan()('brand:read');
  const [search, setSearch] = useSearchParams();
  const { data, error, isPending, refetch } = useList('/brands', {
    params: { query: { limit: 100 } as object },
    enabled: may,
  });
  const brands = useMemo(() => ((data?.data ?? []) as Brand[]).toReversed(), [data]);
  const asked = search.get('brand') ?? localStorage.getItem(kept);
  const brand = brands.find((b) => b.id === asked) ?? brands[0];
  const several = brands.length > 1;

  useEffect(() => {
    if (!brand) return;
    localStorage.setItem(kept, brand.id);
    if (several && search.get('brand') !== brand.id) {
      setSearch(
        (old) => {
          const next = new URLSearchParams(old);
          next.set('brand', brand.id);
          return next;
        },
        { replace: true },
      );
    }
  }, [brand, several, search, setSearch]);

  const choose = useCallback(
    (id: string) => {
      localStorage.setItem(kept, id);
      // Filters, cursors and half-filled forms belong to the other brand.
      setSearch(new URLSearchParams({ brand: id }));
    },
    [setSearch],
  );
  const chosen = useMemo(
    () => ({
      brand,
      brands,
      loading: may && isPending,
      error: data ? null : error,
      again: () => void refetch(),
      choose,
    }),
    [brand, brands, may, isPending, data, error, refetch, choose],
  );
  return <Context.Provider value={chosen}>{children}</Context.Provider>;
}
