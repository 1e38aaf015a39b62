import { useCallback, useState } from 'react';

/** useKept is useState that this browser remembers. A damaged or foreign value is the
 * first one again. */
export function useKept<T>(key: string, first: T): [T, (value: T) => void] {
  const [value, setValue] = useState<T>(() => {
    try {
      const text = localStorage.getItem(key);
      return text === null ? first : (JSON.parse(text) as T);
    } catch {
      return first;
    }
  });
  const keep = useCallback(
    (next: T) => {
      setValue(next);
      try {
        localStorage.setItem(key, JSON.stringify(next));
      } catch {
        // A full or forbidden storage only forgets.
      }
    },
    [key],
  );
  return [value, keep];
}
