// What people of eyecare.spec.ts do after a push, with an effect that is known because it is
// made: each buys with one chance if he was told and with another if he was not, by a seed;
// some of those who buy also scan the box. And what the report must then say.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type Page } from '@playwright/test';
import { each, luck, order, type Person } from './crowd';
import { type Desk, get, type partner } from './deedskit';
import { type Kind, those } from './eyecarekit';
import type { Server } from './server';
import { api, goTo } from './test';

type Chances = { told: number; alone: number };
/** chances of buying afterwards. Who was told but not reached is as who was left alone. */
export const chances: Record<Kind, Chances> = {
  solution: { told: 0.8, alone: 0.03 },
  lenses: { told: 0.4, alone: 0.4 },
  neither: { told: 0.3, alone: 0.3 },
};
/** scanning is the chance that who buys also scans the box, if he has the phone for it. */
const scanning = 0.3;

/** Audience is a push's people by what became of their copies. */
export type Audience = Record<'held' | 'sent' | 'skipped', Set<Person>>;

export async function audienceOf(desk: Desk, push: string, members: Map<Person, string>): Promise<Audience> {
  const [held, sent, skipped] = await Promise.all(
    (['held', 'sent', 'skipped'] as const).map((state) => those(desk, push, state, members)),
  );
  return { held, sent, skipped } as Audience;
}

/** Deeds are who will do what. */
export type Deeds = { buy: Person[]; scan: Person[] };

/** deedsOf lets chance decide. Everybody has draws of his own, by name: the seed says what he
 * would do told and what left alone, and the push's draw says which of both it is. */
export function deedsOf(kind: Kind, a: Audience, seed: number): Deeds {
  const next = luck(seed);
  const out: Deeds = { buy: [], scan: [] };
  const all = [...a.held, ...a.sent, ...a.skipped].toSorted((x, y) => (x.name < y.name ? -1 : 1));
  for (const p of all) {
    const [buying, box] = [next(), next()];
    if (buying >= chances[kind][a.sent.has(p) ? 'told' : 'alone']) continue;
    out.buy.push(p);
    if (p.phone && box < scanning) out.scan.push(p);
  }
  return out;
}

/** effectOf is what being meant to get it changes in truth, in shares of all: nothing for
 * whom no message can reach. */
export function effectOf(kind: Kind, a: Audience, unreachable: readonly Person[]): { order: number; scan: number } {
  const all = [...a.held, ...a.sent, ...a.skipped];
  const reachable = all.filter((p) => !unreachable.includes(p));
  const more = chances[kind].told - chances[kind].alone;
  return {
    order: (more * reachable.length) / all.length,
    scan: (more * scanning * reachable.filter((p) => p.phone).length) / all.length,
  };
}

/** printed makes codes of a product, activates them and reads them from the printer's file. */
export async function printed(desk: Desk, server: Server, product: string, into: string): Promise<string[]> {
  const { page, site } = desk;
  const batch = await api<{ id: string; count: number }>(page, site, 'POST', '/batches', {
    product_id: product,
    name: '首批',
    count: 200,
    reason: '试销',
  });
  await api(page, site, 'POST', `/batches/${batch.id}/ranges`, {
    from_serial: 1,
    until_serial: batch.count + 1,
    state: 'activated',
    reason: '已贴标',
  });
  const file = join(into, `${batch.id}.csv`);
  server.run('codes', 'export', '--batch', batch.id, '--out', file, '--plain');
  const codes = readFileSync(file, 'utf8').match(/https?:\/\/[^\s",]+/g) ?? [];
  expect(codes).toHaveLength(batch.count);
  return codes;
}

/** shopping: who bought has it reported by the shop. */
export async function shopping(
  report: Awaited<ReturnType<typeof partner>>,
  buyers: readonly Person[],
  appID: string,
  gtin: string,
): Promise<void> {
  const now = new Date();
  for (let from = 0; from < buyers.length; from += 400) {
    const some = buyers.slice(from, from + 400);
    const orders = some.map((p) => order(p, appID, gtin, `after-${p.name.slice(2)}`, now));
    for (const r of await report('/orders', { orders })) expect(r.status, JSON.stringify(r)).toBe('stored');
  }
}

/** unboxing: each scans the code of his own box, on his phone, and takes the points. */
export async function unboxing(people: readonly Person[], codes: readonly string[]): Promise<void> {
  const boxes = people.map((p, i) => ({ p, code: codes[i] as string }));
  await each(boxes, ({ p, code }) => (p.phone as NonNullable<Person['phone']>).claim(code));
}

type Estimate = { treated: number; control: number; diff: number; low: number; high: number; verdict: string };
type Group = { people: number; scans: number; buyers: number };
type Report = { all: Record<'order' | 'scan' | 'amount', Estimate>; arms: Group[]; held: Group };

const share = (x: number) => `${(100 * x).toFixed(2)}%`;
const points = (x: number) => `${x < 0 ? '−' : '+'}${Math.abs(100 * x).toFixed(2)}`;
const measures = { order: '下单人数占比', scan: '扫码人数占比' } as const;

/** counted opens the report when everything that was done is in it, and holds the page
 * against what the program counted: it shows these numbers and no others. */
export async function counted(desk: Desk, push: string, want: { buyers: number; scans: number }): Promise<Report> {
  const { page, site } = desk;
  const read = () => get<Report>(desk, `/pushes/${push}/report`);
  const sum = (r: Report, what: 'buyers' | 'scans') => [...r.arms, r.held].reduce((n, g) => n + g[what], 0);
  await expect
    .poll(async () => read().then((r) => ({ buyers: sum(r, 'buyers'), scans: sum(r, 'scans') })), { timeout: 90_000 })
    .toEqual(want);
  await goTo(page, site, `/pushes/${push}?tab=report`);
  const found = await read();
  for (const [what, title] of Object.entries(measures)) {
    const e = found.all[what as keyof typeof measures];
    const row = page.getByRole('row', { name: new RegExp(`^${title}`) });
    // What is too early to be told has no difference.
    const difference = e.verdict !== 'early' ? [points(e.diff), points(e.low), points(e.high)] : ['——还不能说'];
    for (const text of [share(e.treated), share(e.control), ...difference])
      await expect(row, title).toContainText(text);
  }
  return found;
}

/** noWinner: the page claims no effect, in no measure. */
export async function noWinner(page: Page): Promise<void> {
  await expect(page.getByRole('row', { name: /^下单人数占比/ })).toBeVisible();
  for (const word of ['有提升', '有下降']) await expect(page.getByText(word)).toHaveCount(0);
}

/** holds: the intervals hold the truth. */
export function holds(found: Report, truth: { order: number; scan: number }, seed: number): void {
  for (const what of ['order', 'scan'] as const) {
    const { low, high } = found.all[what];
    const said = `seed ${seed}, ${what}: ${truth[what]} in ${low} to ${high}`;
    expect(low, said).toBeLessThanOrEqual(truth[what]);
    expect(high, said).toBeGreaterThanOrEqual(truth[what]);
  }
}
