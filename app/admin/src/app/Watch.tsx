import { useEffect, useRef } from 'react';
import { noteInput, onRefused } from '@/api/client';
import { useMe } from './session';

const inputs = ['pointerdown', 'keydown', 'wheel', 'touchstart'];

/** Watch notes that somebody is at the page, and asks anew who he is when a permission turns
 * out to be gone: his menu and buttons follow. */
export function Watch() {
  const { reload } = useMe();
  const asked = useRef(0);
  useEffect(
    () =>
      onRefused(() => {
        // A page may ask for several things that are all refused, again and again.
        if (Date.now() - asked.current < 10_000) return;
        asked.current = Date.now();
        reload();
      }),
    [reload],
  );
  useEffect(() => {
    for (const name of inputs) window.addEventListener(name, noteInput, { capture: true, passive: true });
    return () => {
      for (const name of inputs) window.removeEventListener(name, noteInput, { capture: true });
    };
  }, []);
  return null;
}
