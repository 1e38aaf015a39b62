// Filters of a list live in the address: shareable, and still there after "back".
import { halfWidth, parseYuan, yuanText } from './money';
import { rangeOf } from './time';

export type Option = { value: string; label: string };

/** One filter of a list. `name` is the query parameter of the API. */
export type Filter = {
  name: string;
  label: string;
  /** text: free text; id: digits (full-width ones too); yuan: an amount as people type it;
   * select: one of options; range: days, sent as `from` and `until` unless `names` says other
   * parameters. */
  kind: 'text' | 'id' | 'yuan' | 'select' | 'range';
  options?: readonly Option[];
  /** Of a select whose options are those that the server found for this text: any value of the
   * address counts, also one that is not among them. */
  onSearch?: (text: string) => void;
  placeholder?: string;
  names?: readonly [from: string, until: string];
  width?: number;
};

export type Values = Record<string, string>;

/** What of an address belongs to a list beside its filters. */
export const cursorParam = 'before';

/** readFilters takes what an address says; an option that is none is left out, so that an
 * old link does not make an error. */
export function readFilters(search: URLSearchParams, filters: readonly Filter[]): Values {
  const out: Values = {};
  for (const f of filters) {
    const v = search.get(f.name);
    if (!v) continue;
    if (f.kind === 'select' && !f.onSearch && f.options && !f.options.some((o) => o.value === v)) continue;
    if (f.kind === 'range' && !splitRange(v)) continue;
    out[f.name] = v;
  }
  return out;
}

/** writeFilters puts values into an address and goes back to the first page; whatever else
 * stands there (brand, tab) stays. */
export function writeFilters(search: URLSearchParams, filters: readonly Filter[], values: Values): URLSearchParams {
  const next = new URLSearchParams(search);
  next.delete(cursorParam);
  for (const f of filters) {
    const v = cleaned(f, values[f.name] ?? '');
    if (v) next.set(f.name, v);
    else next.delete(f.name);
  }
  return next;
}

/** queryOf is what the API is asked. */
export function queryOf(filters: readonly Filter[], values: Values): Record<string, string> {
  const out: Record<string, string> = {};
  for (const f of filters) {
    const v = values[f.name];
    if (!v) continue;
    if (f.kind !== 'range') {
      out[f.name] = v;
      continue;
    }
    const days = splitRange(v);
    if (!days) continue;
    const [fromName, untilName] = f.names ?? ['from', 'until'];
    const { from, until } = rangeOf(days[0], days[1]);
    if (from) out[fromName] = from;
    if (until) out[untilName] = until;
  }
  return out;
}

/** splitRange reads 2026-11-01~2026-11-07; one side may be open. */
export function splitRange(v: string): [from: string, to: string] | null {
  const m = /^(\d{4}-\d{2}-\d{2})?~(\d{4}-\d{2}-\d{2})?$/.exec(v);
  return m && (m[1] || m[2]) ? [m[1] ?? '', m[2] ?? ''] : null;
}

function cleaned(f: Filter, v: string): string {
  const s = v.trim();
  if (f.kind === 'yuan') {
    const fen = parseYuan(s);
    return fen === null ? s : yuanText(fen);
  }
  return f.kind === 'id' ? halfWidth(s).replace(/\s/g, '') : s;
}
