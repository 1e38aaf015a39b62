import type { FormInstance } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { bare, useUnsaved } from './unsaved';

/** What a form was filled with. */
type Filled<T> = { data: T; seen: number; of: string };

/**
 * useFilled fills a form that stands on a page with what was read: `data`, read at `seen`, of
 * the brand or thing `of`. What is read later fills it again while nothing is typed in, and
 * never over it. `now` is what the form was filled with and when that was read; a write is
 * given that, not what has been read since. `save` wraps the write, `again` drops what was
 * typed in for what is there now.
 */
export function useFilled<T>(
  form: FormInstance,
  { data, seen, of }: { data: T | undefined; seen: number; of: string },
  fill: (data: T) => object,
): {
  now: () => Filled<T> | null;
  save: <R>(write: () => Promise<R>) => Promise<R>;
  again: () => void;
} {
  const mark = useUnsaved();
  const filled = useRef<Filled<T> | null>(null);
  const text = useRef('');
  const saving = useRef(false);
  const [, redraw] = useState(0);
  const latest = useRef(fill);
  latest.current = fill;
  const dirty = () => bare(form.getFieldsValue(true)) !== text.current;
  // Every drawing, because fields are filled by buttons, too.
  useEffect(() => {
    if (data === undefined) return;
    const old = filled.current;
    const newer = old?.of !== of || old.seen !== seen;
    if (newer && (old?.of !== of || !dirty())) {
      if (old && old.of !== of) form.resetFields();
      form.setFieldsValue(latest.current(data) as never);
      text.current = bare(form.getFieldsValue(true));
      filled.current = { data, seen, of };
    }
    mark(!saving.current && dirty());
  });
  return {
    now: () => filled.current,
    save: async (write) => {
      saving.current = true;
      mark(false);
      try {
        const answer = await write();
        text.current = bare(form.getFieldsValue(true)); // what is typed in is what is there
        return answer;
      } finally {
        saving.current = false;
        redraw((n) => n + 1);
      }
    },
    again: () => {
      filled.current = null;
      form.resetFields();
      text.current = bare(form.getFieldsValue(true));
      redraw((n) => n + 1);
    },
  };
}
