// What a draft is while somebody writes it: the form's values, what they add up to, and the
// copy that this browser keeps until the server has them.
import type { Body, Data } from '@/api';
import { formatCount, formatFen } from '@/ui/money';

export type Campaign = Data<'get', '/campaigns/{id}'>;
export type Input = Body<'put', '/campaigns/{id}'>;

export type Tier = {
  name: string;
  kind: 'cash' | 'points' | 'nothing';
  winners: number | null;
  /** cash: every winner gets the same, or a random amount of a range with a fixed sum. */
  ranged: boolean;
  min_fen: number | null;
  max_fen: number | null;
  total_fen: number | null;
  points: number | null;
  text: string;
};

export type Scope = { batch_id: string; from_serial: number | null; until_serial: number | null };

export type Draft = {
  name: string;
  from_at: string | null;
  until_at: string | null;
  organiser: string;
  rules: string;
  wishing: string;
  account_id: string | null;
  cap_member_day: number;
  cap_member: number;
  cap_total: number;
  min_level: number;
  tiers: Tier[];
  scopes: Scope[];
};

export const emptyTier: Tier = {
  name: '',
  kind: 'cash',
  winners: null,
  ranged: false,
  min_fen: null,
  max_fen: null,
  total_fen: null,
  points: null,
  text: '',
};

export const emptyDraft: Draft = {
  name: '',
  from_at: null,
  until_at: null,
  organiser: '',
  rules: '',
  wishing: '',
  account_id: null,
  cap_member_day: 10,
  cap_member: 0,
  cap_total: 0,
  min_level: 0,
  tiers: [],
  scopes: [],
};

/** fromCampaign is a saved draft as the form shows it. The serials' end is exclusive at the
 * server and inclusive on the screen. */
export function fromCampaign(c: Campaign): Draft {
  return {
    name: c.name,
    from_at: c.from_at,
    until_at: c.until_at,
    organiser: c.organiser,
    rules: c.rules,
    wishing: c.wishing,
    account_id: c.account_id,
    cap_member_day: c.cap_member_day,
    cap_member: c.cap_member,
    cap_total: c.cap_total,
    min_level: c.min_level,
    tiers: (c.tiers ?? []).map((t) => ({
      name: t.name,
      kind: t.kind as Tier['kind'],
      winners: t.winners,
      ranged: t.min_fen !== t.max_fen,
      min_fen: t.min_fen,
      max_fen: t.max_fen,
      total_fen: t.total_fen,
      points: t.points,
      text: t.text,
    })),
    scopes: (c.scopes ?? []).map((s) => ({
      batch_id: s.batch_id ?? '',
      from_serial: s.from_serial,
      until_serial: s.until_serial - 1,
    })),
  };
}

/** toInput is what the server is sent: half-filled rows too, so that nothing is lost, but
 * for those it could not store. */
export function toInput(d: Draft, brandID: string): Input {
  return {
    brand_id: brandID,
    name: d.name,
    from_at: d.from_at,
    until_at: d.until_at,
    organiser: d.organiser ?? '',
    rules: d.rules ?? '',
    wishing: d.wishing ?? '',
    account_id: d.account_id ?? null,
    cap_member_day: d.cap_member_day ?? 0,
    cap_member: d.cap_member ?? 0,
    cap_total: d.cap_total ?? 0,
    min_level: d.min_level ?? 0,
    tiers: (d.tiers ?? []).map((t, i) => {
      const cash = t.kind === 'cash';
      const min = cash ? (t.min_fen ?? 0) : 0;
      return {
        tier: i + 1,
        name: t.name,
        kind: t.kind,
        winners: t.winners ?? 0,
        min_fen: min,
        max_fen: cash ? (t.ranged ? (t.max_fen ?? 0) : min) : 0,
        total_fen: tierCost(t),
        points: t.kind === 'points' ? (t.points ?? 0) : 0,
        text: t.text ?? '',
      };
    }),
    scopes: (d.scopes ?? [])
      .filter((s) => s.batch_id)
      .map((s) => ({
        batch_id: s.batch_id,
        from_serial: s.from_serial ?? 0,
        until_serial: s.until_serial ? s.until_serial + 1 : 0,
      })),
    reason: '',
  } as Input;
}

/** differing names the fields in which what was typed is not what the server has, as the
 * words of `changed` know them. */
export function differing(mine: Draft, theirs: Campaign, brandID: string): string[] {
  const [a, b] = [toInput(mine, brandID), toInput(fromCampaign(theirs), brandID)];
  const keys = Object.keys(a) as (keyof Input)[];
  return keys.filter((k) => JSON.stringify(a[k]) !== JSON.stringify(b[k]));
}

/** tierCost is what a tier costs if all of it is won, in fen. */
export function tierCost(t: Partial<Tier>): number {
  if (t.kind !== 'cash') return 0;
  return t.ranged ? (t.total_fen ?? 0) : (t.min_fen ?? 0) * (t.winners ?? 0);
}

export type Sums = {
  codes: number;
  winners: number;
  /** Codes that win nothing: 谢谢参与. Below 0: more prizes than codes. */
  rest: number;
  spend: number;
  /** The most that can be won under the cap on claims. */
  worst: number;
  points: number;
};

/** codesOf counts the codes in scope; counts holds the size of each batch. */
export function codesOf(scopes: readonly Scope[] | undefined, counts: ReadonlyMap<string, number>): number {
  return (scopes ?? []).reduce((n, s) => {
    const all = counts.get(s?.batch_id ?? '');
    if (!s?.batch_id || all === undefined) return n;
    return n + Math.max(0, (s.until_serial || all) - (s.from_serial || 1) + 1);
  }, 0);
}

/** sumsOf adds a table of prizes up, to the fen. */
export function sumsOf(tiers: readonly Partial<Tier>[] | undefined, codes: number, capTotal: number): Sums {
  const rows = (tiers ?? []).filter(Boolean);
  const winners = rows.reduce((n, t) => n + (t.winners ?? 0), 0);
  const spend = rows.reduce((n, t) => n + tierCost(t), 0);
  const points = rows.reduce((n, t) => n + (t.kind === 'points' ? (t.points ?? 0) * (t.winners ?? 0) : 0), 0);
  let left = capTotal > 0 ? Math.min(capTotal, codes) : codes;
  let worst = 0;
  const dearest = rows.filter((t) => t.kind === 'cash').sort((a, b) => topOf(b) - topOf(a));
  for (const t of dearest) {
    const taken = Math.min(left, t.winners ?? 0);
    left -= taken;
    worst += Math.min(topOf(t) * taken, tierCost(t) - (t.min_fen ?? 0) * ((t.winners ?? 0) - taken));
  }
  return { codes, winners, rest: codes - winners, spend, worst: capTotal > 0 ? Math.min(spend, worst) : spend, points };
}

function topOf(t: Partial<Tier>): number {
  return (t.ranged ? t.max_fen : t.min_fen) ?? 0;
}

/** oddsText writes w of n as the server does for consumers. */
export function oddsText(w: number, n: number): string {
  if (!n || !w || w < 0) return '0';
  if (w * 100 > n) {
    const percent = ((w * 100) / n).toFixed(2);
    return `${(w < n && percent === '100.00' ? '99.99' : percent).replace(/\.?0+$/, '')}%`;
  }
  return n % w === 0 ? `1/${n / w}` : `≈1/${Math.round(n / w)}`;
}

/** eachText is what one code costs on average if all is won, to a tenth of a fen: what a
 * brand puts beside the price of a bottle. */
export function eachText(fen: number, codes: number): string {
  if (!codes) return '—';
  const tenths = Math.round((fen * 10) / codes);
  return `¥${Math.floor(tenths / 1000)}.${String(tenths % 1000).padStart(3, '0')}`;
}

type T = (key: string, options?: Record<string, unknown>) => string;

/** givesText is what a campaign gives at most, in words: money, points, or both. */
export function givesText(t: T, fen: number, points: number): string {
  if (!points) return formatFen(fen);
  const n = formatCount(points);
  return fen ? t('gives.both', { fen: formatFen(fen), n }) : t('gives.points', { n });
}

export type Limits = { approval_fen: number; approval_points: number };

/** limitText is up to how much one person may publish, in words. */
export function limitText(t: T, p: Limits): string {
  if (p.approval_fen === 0) return t('policy.always');
  const fen = formatFen(p.approval_fen);
  return p.approval_points
    ? t('gives.either', { fen, n: formatCount(p.approval_points) })
    : t('gives.noPoints', { fen });
}

/** isOver says whether a second person must agree; what one published before is known to
 * the server only. */
export function isOver(p: Limits, fen: number, points: number): boolean {
  return p.approval_fen === 0 || fen > p.approval_fen || points > p.approval_points;
}

// What was typed and not yet stored, by campaign: a failed save, a closed tab and a lost
// connection cost nothing.
const keptKey = (id: string) => `siyu.campaign.${id}`;

/** What was typed, and which version of the draft it changes: 0 of one that is new. */
export type Kept = { values: Draft; version: number };

export function keep(id: string, values: Draft, version: number): void {
  try {
    localStorage.setItem(keptKey(id), JSON.stringify({ values, version } satisfies Kept));
  } catch {
    // A full or forbidden store: the form itself still has it.
  }
}

export function kept(id: string): Kept | null {
  try {
    const found = JSON.parse(localStorage.getItem(keptKey(id)) ?? 'null') as Partial<Kept> | null;
    return found?.values ? { values: { ...emptyDraft, ...found.values }, version: found.version ?? 0 } : null;
  } catch {
    return null;
  }
}

export function forget(id: string): void {
  localStorage.removeItem(keptKey(id));
}
