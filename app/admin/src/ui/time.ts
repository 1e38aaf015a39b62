// Times of the trade are Shanghai's, whatever the browser's zone: a campaign that ends at
// midnight ends at midnight in China. China has had no summer time since 1991.
const zone = 8 * 3600_000;

type Moment = string | number | Date | null | undefined;

function wall(at: Moment): Date | null {
  if (at === null || at === undefined || at === '') return null;
  const ms = at instanceof Date ? at.getTime() : typeof at === 'number' ? at : Date.parse(at);
  return Number.isFinite(ms) ? new Date(ms + zone) : null;
}

/** formatTime is 2026-11-22 18:05 (with seconds: 18:05:09), '' for none. */
export function formatTime(at: Moment, seconds = false): string {
  const w = wall(at);
  if (!w) return '';
  return w
    .toISOString()
    .slice(0, seconds ? 19 : 16)
    .replace('T', ' ');
}

/** dayOf is the business day, 2026-11-22. */
export function dayOf(at: Moment): string {
  return wall(at)?.toISOString().slice(0, 10) ?? '';
}

/** dayText writes the API's number of a day (20261122) as 2026-11-22. */
export function dayText(day: number | null | undefined): string {
  const s = String(day ?? '');
  return /^\d{8}$/.test(s) ? `${s.slice(0, 4)}-${s.slice(4, 6)}-${s.slice(6)}` : '';
}

/** instantOf reads a wall time of Shanghai (2026-11-22 18:05) as RFC 3339, '' if it is none. */
export function instantOf(text: string): string {
  const m = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2})(?::(\d{2}))?)?$/.exec(text.trim());
  if (!m) return '';
  const at = `${m[1]}T${m[2] ?? '00:00'}:${m[3] ?? '00'}+08:00`;
  const ms = Date.parse(at);
  // 2026-02-30 parses as 2 March in some engines: what is written back must be the same.
  return Number.isFinite(ms) && dayOf(ms) === m[1] ? at : '';
}

/** rangeOf is [from, until) of days: the last day is inside. */
export function rangeOf(from: string, to: string): { from: string; until: string } {
  const end = instantOf(to);
  return {
    from: instantOf(from),
    until: end ? new Date(Date.parse(end) + 86_400_000).toISOString() : '',
  };
}

/** duration in words a person reads at a glance: 2 小时 5 分. The caller translates units. */
export function splitDuration(seconds: number): { hours: number; minutes: number; seconds: number } {
  const s = Math.max(0, Math.round(seconds));
  return { hours: Math.floor(s / 3600), minutes: Math.floor((s % 3600) / 60), seconds: s % 60 };
}
