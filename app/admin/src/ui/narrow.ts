import { useSyncExternalStore } from 'react';

const query = '(max-width: 640px)';

/** useNarrow tells that this is a phone: tables become cards. */
export function useNarrow(): boolean {
  return useSyncExternalStore(
    (changed) => {
      const list = window.matchMedia(query);
      list.addEventListener('change', changed);
      return () => list.removeEventListener('change', changed);
    },
    () => window.matchMedia(query).matches,
    () => false,
  );
}
