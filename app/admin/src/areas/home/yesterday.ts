import { dayText } from '@/ui/time';

type Day = { day?: number; number?: number };
export type Yesterday = { number: number; before: number | null; week: number | null };

/** yesterdayOf is the whole of yesterday, with the day before it and the same weekday of the
 * week before: what somebody looks at in the morning, when today has hardly begun. days ends
 * with today; null where a day is not in it. */
export function yesterdayOf(days: readonly Day[] | null | undefined): Yesterday | null {
  const today = days?.at(-1);
  if (!days || !today) return null;
  const back = (n: number) => {
    const at = Date.parse(`${dayText(today.day)}T00:00:00Z`) - n * 86_400_000;
    const day = Number(new Date(at).toISOString().slice(0, 10).replaceAll('-', ''));
    return days.find((d) => d.day === day)?.number ?? null;
  };
  const number = back(1);
  return number === null ? null : { number, before: back(2), week: back(8) };
}
