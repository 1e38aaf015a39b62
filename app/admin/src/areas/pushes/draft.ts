// What a push is while somebody writes it: the form's values, and how they become what the
// server takes.
import type { Body, Data } from '@/api';

export type Push = Data<'get', '/pushes/{id}'>;
export type Input = Body<'post', '/pushes'>;

export type Use = { channel: string; account_id: string | null; template_id: string };
export type Content = { text: string; fields: { key: string; text: string }[]; link_no: number; page?: string };
export type Arm = { name: string; weight: number; contents: Content[] };
export type Draft = {
  name: string;
  purpose: 'marketing' | 'service';
  topic: string;
  worth: number;
  who: 'segment' | 'list';
  segment_id: string | null;
  list_id: string | null;
  uses: Use[];
  links: { title: string; url: string }[];
  arms: Arm[];
  timing: 'now' | 'at' | 'best';
  start_at: string | null;
  per_second: number;
  held_percent: number;
  why: string;
  product_ids: string[];
};

export const mostUses = 6;
export const mostArms = 5;
export const mostLinks = 5;

export const emptyContent: Content = { text: '', fields: [], link_no: 0 };

/** emptyDraft begins with the brand's share of people who are left alone. */
export function emptyDraft(heldBP: number): Draft {
  return {
    name: '',
    purpose: 'marketing',
    topic: '',
    worth: 50,
    who: 'segment',
    segment_id: null,
    list_id: null,
    uses: [],
    links: [],
    arms: [],
    timing: 'now',
    start_at: null,
    per_second: 0,
    held_percent: heldBP / 100,
    why: '',
    product_ids: [],
  };
}

/** heldFor is the share that a push of a purpose begins with: a service notice tells people of
 * their own things, and leaves nobody out. */
export const heldFor = (purpose: Draft['purpose'], heldBP: number): number =>
  purpose === 'service' ? 0 : heldBP / 100;

/** Divided is how chance divides an audience, in parts of 1. */
export type Divided = { universal: number; held: number; rest: number };

/** divided follows the server: first go those whom every marketing push of the brand leaves
 * alone, then this push's share of the others. */
export function divided(p: { purpose: string; held_bp: number }, universalBP: number): Divided {
  const universal = p.purpose === 'service' ? 0 : universalBP / 10_000;
  const held = (1 - universal) * (p.held_bp / 10_000);
  return { universal, held, rest: 1 - universal - held };
}

/** leftAlone is about how many people of an audience get nothing, and which part of it. */
export function leftAlone(people: number, d: Divided): { people: number; percent: string } {
  const part = d.universal + d.held;
  return { people: Math.round(people * part), percent: `${Number((100 * part).toFixed(1))}%` };
}

/** templated are channels whose messages are fields of a template and not a text. */
export const templated = (channel: string): boolean => channel === 'template' || channel === 'subscribe';

/** grouped are channels where one call reaches many with the same words. */
export const grouped = (channel: string): boolean => channel === 'mass' || channel === 'wecom';

export function fromPush(p: Push): Draft {
  return {
    name: p.name,
    purpose: p.purpose as Draft['purpose'],
    topic: p.topic,
    worth: p.worth,
    who: p.list_id && p.list_id !== '0' ? 'list' : 'segment',
    segment_id: p.segment_id,
    list_id: p.list_id,
    uses: p.uses.map((u) => ({ channel: u.channel, account_id: u.account_id, template_id: u.template_id ?? '' })),
    links: p.links.map((l) => ({ ...l })),
    arms: p.arms.map((a) => ({
      name: a.name,
      weight: a.weight,
      contents: a.contents.map((c) => ({
        text: c.text,
        fields: Object.entries(c.data ?? {}).map(([key, text]) => ({ key, text })),
        link_no: c.link_no,
        page: c.page ?? '',
      })),
    })),
    timing: p.timing as Draft['timing'],
    start_at: p.start_at,
    per_second: p.per_second,
    held_percent: p.held_bp / 100,
    why: p.why,
    product_ids: p.product_ids.flatMap((x) => x ?? []),
  };
}

/** isWhole tells whether a push has all that it needs before people may hear of it. */
export function isWhole(p: Pick<Push, 'segment_id' | 'list_id' | 'uses' | 'arms' | 'timing' | 'start_at'>): boolean {
  const named = (id: string | null) => Boolean(id) && id !== '0';
  return (
    (named(p.segment_id) || named(p.list_id)) &&
    p.uses.length > 0 &&
    p.arms.length > 0 &&
    (p.timing !== 'at' || Boolean(p.start_at))
  );
}

/** toInput is what the server is sent. Of a content only what its channel takes is kept. */
export function toInput(d: Draft, brandID: string): Input {
  return {
    brand_id: brandID,
    name: d.name,
    purpose: d.purpose,
    topic: d.topic ?? '',
    worth: d.worth ?? 0,
    segment_id: d.who === 'segment' ? (d.segment_id ?? null) : null,
    list_id: d.who === 'list' ? (d.list_id ?? null) : null,
    timing: d.timing,
    start_at: d.timing === 'now' ? null : (d.start_at ?? null),
    per_second: d.per_second ?? 0,
    held_bp: Math.round((d.held_percent ?? 0) * 100),
    why: d.why ?? '',
    product_ids: d.product_ids ?? [],
    uses: d.uses.map((u) => ({
      channel: u.channel,
      account_id: u.channel === 'sms' ? null : u.account_id,
      ...(templated(u.channel) ? { template_id: u.template_id.trim() } : {}),
    })),
    links: d.links.map((l) => ({ title: l.title, url: l.url })),
    arms: d.arms.map((a) => ({
      name: a.name,
      weight: a.weight ?? 1,
      contents: d.uses.map((u, i) => {
        const c = a.contents[i] ?? emptyContent;
        return templated(u.channel)
          ? {
              text: '',
              data: Object.fromEntries(c.fields.filter((f) => f?.key).map((f) => [f.key.trim(), f.text ?? ''])),
              link_no: c.page ? 0 : (c.link_no ?? 0),
              ...(c.page && u.channel === 'subscribe' ? { page: c.page.trim() } : {}),
            }
          : { text: c.text ?? '', data: {}, link_no: 0 };
      }),
    })),
  };
}

/** withUse adds a way; every version gets a content for it. */
export function withUse(d: Pick<Draft, 'uses' | 'arms'>, use: Use): Pick<Draft, 'uses' | 'arms'> {
  const arms = d.arms.length > 0 ? d.arms : [{ name: 'A', weight: 1, contents: [] }];
  return {
    uses: [...d.uses, use],
    arms: arms.map((a) => ({
      ...a,
      contents: [...d.uses.map((_, i) => a.contents[i] ?? emptyContent), { ...emptyContent }],
    })),
  };
}

/** withoutUse drops a way with its contents. */
export function withoutUse(d: Pick<Draft, 'uses' | 'arms'>, at: number): Pick<Draft, 'uses' | 'arms'> {
  return {
    uses: d.uses.filter((_, i) => i !== at),
    arms: d.arms.map((a) => ({ ...a, contents: a.contents.filter((_, i) => i !== at) })),
  };
}

/** sooner moves a way one place up: the first that is possible for a person is taken. */
export function sooner(d: Pick<Draft, 'uses' | 'arms'>, at: number): Pick<Draft, 'uses' | 'arms'> {
  const swap = <T>(list: T[]): T[] =>
    list.map((x, i) => (i === at - 1 ? (list[at] ?? x) : i === at ? (list[at - 1] ?? x) : x));
  return { uses: swap(d.uses), arms: d.arms.map((a) => ({ ...a, contents: swap(a.contents) })) };
}

/** withArm adds a version that begins as a copy of the last: tests change one thing. */
export function withArm(arms: readonly Arm[]): Arm[] {
  const last = arms.at(-1);
  const names = arms.map((a) => a.name);
  const name = [...'ABCDEFGH'].find((x) => !names.includes(x)) ?? `${arms.length + 1}`;
  return [...arms, { name, weight: 1, contents: structuredClone(last?.contents ?? []) }];
}

/** rule is the audience as a rule, to count it. */
export function ruleOfList(listID: string): object {
  return { v: 1, root: { all: [{ list: { id: listID } }] } };
}

// {name}, {name|otherwise}: as model/push reads them.
const braces = /\{([^{}|\s]{1,16})(?:\|([^{}]{0,32}))?\}/g;
/** The server's word for a link in braces, before its number. */
export const linkWord = '\u94fe\u63a5';

export type Piece = { text: string; kind: 'text' | 'value' | 'otherwise' | 'missing' | 'wrong' | 'link' };

/** pieces cuts a text at its variables, to show what stands there for one person. values: of
 * the variables he has; keys: all that exist. */
export function pieces(
  text: string,
  values: Readonly<Record<string, string>>,
  keys: readonly string[],
  links: number,
): Piece[] {
  const out: Piece[] = [];
  let from = 0;
  for (const m of text.matchAll(braces)) {
    const [whole, key = '', otherwise] = m;
    if (m.index > from) out.push({ text: text.slice(from, m.index), kind: 'text' });
    from = m.index + whole.length;
    if (key.startsWith(linkWord)) {
      const no = Number(key.slice(linkWord.length));
      out.push({ text: whole, kind: no >= 1 && no <= links ? 'link' : 'wrong' });
    } else if (!keys.includes(key)) out.push({ text: whole, kind: 'wrong' });
    else if (values[key]) out.push({ text: values[key], kind: values[key].startsWith('https://') ? 'link' : 'value' });
    else if (otherwise) out.push({ text: otherwise, kind: 'otherwise' });
    else out.push({ text: whole, kind: 'missing' });
  }
  if (from < text.length) out.push({ text: text.slice(from), kind: 'text' });
  return out;
}
