import { useCallback, useEffect, useRef } from 'react';

const leaving = 'siyu:leave';

/** useUnsaved is told whether a form holds something that is not saved. While one does, the
 * browser asks before its tab is closed, and the panel before another page is opened. */
export function useUnsaved(): (dirty: boolean) => void {
  const stop = useRef<() => void>(() => {});
  const mark = useCallback((dirty: boolean) => {
    stop.current();
    stop.current = () => {};
    if (!dirty) return;
    const ask = (event: Event) => event.preventDefault();
    for (const name of ['beforeunload', leaving]) window.addEventListener(name, ask);
    stop.current = () => {
      for (const name of ['beforeunload', leaving]) window.removeEventListener(name, ask);
    };
  }, []);
  useEffect(() => () => stop.current(), []);
  return mark;
}

/** bare is what a form says, as a text to compare: nothing, empty and off are one, and the
 * order in which fields were filled does not matter. */
export function bare(values: unknown): string {
  return (
    JSON.stringify(values, (_, x) => {
      if (x === '' || x === null || x === false || (Array.isArray(x) && x.length === 0)) return undefined;
      if (typeof x !== 'object' || Array.isArray(x)) return x;
      return Object.fromEntries(Object.entries(x).sort(([a], [b]) => (a < b ? -1 : 1)));
    }) ?? ''
  );
}

/** unsaved says whether some form would lose what is in it. */
export function unsaved(): boolean {
  return !window.dispatchEvent(new Event(leaving, { cancelable: true }));
}
