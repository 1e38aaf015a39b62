import { useRef } from 'react';

/** useOpened is what something was when a form was opened: what is read again behind it is
 * not what it was filled with. */
export function useOpened<T>(open: boolean, now: T): T {
  const kept = useRef<{ open: boolean; value: T }>({ open: false, value: now });
  if (!open || !kept.current.open) kept.current = { open, value: now };
  return kept.current.value;
}
