import { useEffect, useRef } from 'react';

/** Refused says below a field why its text is not taken, in place of what the form's own rules
 * say of it, and keeps a form that is sent by its button from being sent. What sends by other
 * ways asks `unread`. */
export function Refused({ why }: { why: string }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const form = box.current?.closest('form');
    const stop = (e: Event) => {
      e.preventDefault();
      e.stopPropagation();
      form?.querySelector<HTMLElement>('[data-unread]')?.focus();
    };
    form?.addEventListener('submit', stop);
    return () => form?.removeEventListener('submit', stop);
  }, []);
  return (
    <div ref={box} role="alert" className="ant-form-item-explain-error refused">
      {why}
    </div>
  );
}
