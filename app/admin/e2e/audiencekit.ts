// What audience.spec.ts needs: the program built so that its clock can be moved, and a brand
// with people who bought some things.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import { order, type Person, plant, type World } from './crowd';
import { asker, type Desk, partner, tell } from './deedskit';
import { type Name, type Server, start } from './server';
import { api, expect } from './test';

const root = fileURLToPath(new URL('../../..', import.meta.url));

export type Moved = Server & {
  /** now is the program's time. */
  now: () => Date;
  /** wait lets so many minutes pass at once. */
  wait: (minutes: number) => void;
};

/** skewed starts the program with a clock of its own (model/fail), at ten in the morning of
 * Shanghai, with chores that run often; more is further environment. Builds it with the tag
 * faults where SIYU_FAULTS_BIN names no binary. */
export async function skewed(name: Name, more: Record<string, string> = {}): Promise<Moved> {
  const dir = mkdtempSync(join(tmpdir(), `siyu-e2e-${name}-clock-`));
  const bin = process.env.SIYU_FAULTS_BIN ?? join(dir, 'siyu');
  if (bin.startsWith(dir))
    execFileSync('go', ['build', '-tags', 'faults', '-o', bin, './app/siyu'], { cwd: root, stdio: 'inherit' });
  const file = openSync(join(dir, 'clock'), 'w+');
  let skew = 0;
  const set = (ms: number) => {
    skew = ms;
    const b = Buffer.alloc(8);
    b.writeBigInt64LE(BigInt(ms));
    writeSync(file, b, 0, 8, 0);
  };
  const hour = 3_600_000;
  const local = (Date.now() + 8 * hour) % (24 * hour);
  set((10 * hour - local + 24 * hour) % (24 * hour)); // forwards: nothing was made in the future
  const own = process.env.SIYU_BIN;
  process.env.SIYU_BIN = bin;
  try {
    const server = await start('serve', name, {
      SIYU_FAIL_CLOCK: join(dir, 'clock'),
      SIYU_FAIL_PACE: '5',
      ...more,
    });
    return {
      ...server,
      now: () => new Date(Date.now() + skew),
      wait: (minutes) => set(skew + minutes * 60_000),
      stop: async () => {
        await server.stop();
        closeSync(file);
        rmSync(dir, { recursive: true, force: true });
      },
    };
  } finally {
    if (own === undefined) delete process.env.SIYU_BIN;
    else process.env.SIYU_BIN = own;
  }
}

export type Market = World &
  Desk & {
    account: string;
    /** report tells what a shop system knows; its clock is the program's. */
    report: (path: string, body: unknown) => Promise<{ status: string }[]>;
    products: { id: string; gtin: string; shown: string }[];
  };

const goods = [
  { gtin: '06901234567892', name: '护理液', spec: '355ml' },
  { gtin: '06901234567908', name: '镜片', spec: '日抛 30 片' },
] as const;

/** market is a brand with an account and two products, which may write to everybody every
 * day, and to more than eighty people only if a second person agrees. */
export async function market(page: Page, server: Moved, second: object): Promise<Market> {
  const { base: site, sim } = server;
  const appID = 'wxaudience00000001';
  const template = 'tmpl-audience-news';
  const secret = randomBytes(16).toString('hex');
  const aes_key = randomBytes(32).toString('base64').slice(0, 43);
  await tell(sim, 'apps', {
    kind: 'official',
    app_id: appID,
    name: '明眸护眼',
    secret,
    token: 'audience',
    aes_key,
    mode: 'aes',
    callback_url: `${site}/wx/callback/mingmou`,
    open_platform: 'audience',
    templates: { [template]: '新品到店提醒' },
  });
  const make = <T>(method: string, path: string, body: unknown) => api<T>(page, site, method, path, body);
  const brand = (
    await make<{ id: string }>('POST', '/brands', { slug: 'mingmou', name: '明眸', code_host: new URL(site).host })
  ).id;
  const account = await make<{ id: string }>('PUT', `/brands/${brand}/accounts`, {
    kind: 'official',
    app_id: appID,
    name: '明眸护眼',
    callback_slug: 'mingmou',
    secrets: { app_secret: secret, token: 'audience', aes_key },
  });
  const products = [];
  for (const p of goods) {
    const { id } = await make<{ id: string }>('POST', '/products', { brand_id: brand, ...p });
    products.push({ id, gtin: p.gtin, shown: `${p.name} ${p.spec}` });
  }
  await make('POST', '/operators', { name: '林批', ...second, roles: ['admin'] });
  const caps = await make<{ cap: object; channels: object[] }>('GET', `/reach/policy?brand_id=${brand}`, undefined);
  await make('PUT', '/reach/policy', {
    ...caps,
    cap: { ...caps.cap, day: 20, week: 100, month: 400 },
    channels: caps.channels.map((c) => ({ ...c, day: 20, week: 100, month: 400 })),
    reason: '测试期间放开',
  });
  await make('PUT', `/brands/${brand}/push-policy`, {
    approval_people: 80,
    per_second: 50,
    give_up_hours: 48,
    reason: '八十人以上双人审批',
  });
  const desk = { page, site, sim, brand };
  const report = await partner(desk, () => server.now().getTime());
  return { ...desk, appID, template, account: account.id, report, products };
}

/** settle lets people arrive and the program learn what they bought. */
export async function settle(m: Market, people: Person[], days: (p: Person, at: number) => number, now: Date) {
  await plant(m, m, people);
  const orders = people.flatMap((p, at) =>
    p.bought.map((gtin) =>
      order(p, m.appID, gtin, `${at}-${gtin}`, new Date(now.getTime() - days(p, at) * 86_400_000)),
    ),
  );
  for (let at = 0; at < orders.length; at += 100)
    for (const r of await m.report('/orders', { orders: orders.slice(at, at + 100) }))
      expect(r.status, JSON.stringify(r)).toBe('stored');
  const tree = JSON.stringify({ v: 1, root: { all: [{ did: { what: 'bought', op: 'gte', values: [1] } }] } });
  const ask = await asker(m);
  const bought = people.filter((p) => p.bought.length > 0).length;
  await expect
    .poll(
      async () =>
        (await ask<{ matched: number }>(`/segments/size?brand_id=${m.brand}&tree=${encodeURIComponent(tree)}`)).matched,
      { timeout: 60_000 },
    )
    .toBe(bought);
}

/** draft writes a push without the wizard. */
export function draft(m: Market, segment: string, name: string, more: object = {}): Promise<{ id: string }> {
  return api(m.page, m.site, 'POST', '/pushes', {
    brand_id: m.brand,
    name,
    purpose: 'marketing',
    topic: '',
    worth: 50,
    segment_id: segment,
    list_id: null,
    timing: 'now',
    start_at: null,
    per_second: 0,
    held_bp: 0,
    why: '',
    uses: [{ channel: 'custom', account_id: m.account, template_id: '' }],
    arms: [{ name: 'A', weight: 1, contents: [{ text: `{姓名|您}好，${name}。`, data: {}, link_no: 0 }] }],
    links: [],
    ...more,
  });
}
