// What a draft is while somebody writes it: the form's values, what they add up to, and the
// copy that this browser keeps until the server has them.
import type { Body, Data } from '@/api';

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

// What was typed and not yet stored, by campaign: a failed save, a closed tab and a lost
// connection cost nothing.
const keptKey = (id: string) => `siyu.campaign.${id}`;

export function keep(id: string, d: Draft): void {
  try {
    localStorage.setItem(keptKey(id), JSON.stringify(d));
  } catch {
    // A full or forbidden store: the form itself still has it.
  }
}

export function kept(id: string): Draft | null {
  try {
    const text = localStorage.getItem(keptKey(id));
    return text ? ({ ...emptyDraft, ...JSON.parse(text) } as Draft) : null;
  } catch {
    return null;
  }
}

export function forget(id: string): void {
  localStorage.removeItem(keptKey(id));
}
