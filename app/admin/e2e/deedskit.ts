// What specs need around their clicks: people out of a file, a partner's system that reports
// orders, WeCom's own side, and what deeds.spec.ts finds there before it begins.
import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { Page } from '@playwright/test';
import { look } from './pagekit';
import { api, expect, test } from './test';

/** groupQR is a picture of the code of a WeChat group: https://weixin.qq.com/g/AwYAADeedsGroup0001 */
export const groupQR = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAJQAAACUAQMAAABP8pKXAAAABlBMVEX///8AAABVwtN+AAAA/klEQVR42uyVsZHEQBACyYD8syQDvnr0+j+5mjVvjCupDdUeMKy+s5224Vf9fVyySHHaJJm3LWviqHV4PMMkTnuMSTWHPsLArls9dHnLesnJPHx7yxgbn/LI0VsWY45T20dYKgcJGt+6LJidTiSrtFozHJpUjlknGJ9HitbOmjm2qlHhz7MNGzlJIyWRNeMtZWc4tPas1/aJ/3+CYTYyxL0ztGFsXjMHd7xnKit4SasDjHyXknXvCluxew/h+eict2wUYG0Ya82u7nf5/qOz37K5U7jw2n/fdgzPidG9hluG2TTi8956yeibufPIutYMjzplSMb37DuL+QkAAP//wmEA7S1hhLIAAAAASUVORK5CYII=',
  'base64',
);
export const groupQRText = 'https://weixin.qq.com/g/AwYAADeedsGroup0001';

/** Desk is somebody's browser, and the program behind it. */
export type Desk = { page: Page; site: string; sim: string; brand: string };

/** tell says something to the simulator, as somebody would do in WeChat's own places. */
export async function tell(sim: string, path: string, body: unknown): Promise<void> {
  const r = await fetch(`${sim}/sim/api/${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(r.ok, `${path}: ${await r.text()}`).toBe(true);
}

export function get<T>({ page, site }: Desk, path: string): Promise<T> {
  return api<T>(page, site, 'GET', path);
}

/** share is how many of an operator's 1,200 requests a minute questions may take: his pages
 * ask too. */
const share = 700;

/** asker reads the back office as the operator of this page without the browser's help: for
 * a thousand questions in a row, no more in a minute than leaves his pages theirs. */
export async function asker({ page, site }: Desk): Promise<<T>(path: string) => Promise<T>> {
  const Cookie = (await page.context().cookies(site)).map((c) => `${c.name}=${c.value}`).join('; ');
  const asked: number[] = [];
  return async <T>(path: string): Promise<T> => {
    const full = (asked.at(-share) ?? 0) + 60_000 - Date.now();
    asked.push(Math.max(Date.now(), Date.now() + full));
    if (full > 0) await new Promise((go) => setTimeout(go, full));
    const r = await fetch(`${site}/admin/api/v1${path}`, { headers: { Cookie } });
    const body = (await r.json()) as { data: T };
    expect(r.ok, `GET ${path}: ${r.status} ${JSON.stringify(body)}`).toBe(true);
    return body.data;
  };
}

/** number is a mobile number that nobody else in this run has. */
let next = 10_000_000 + Math.floor(Math.random() * 80_000_000);
export function number(): string {
  next += 7;
  return `139${next}`;
}

/** people imports new members by telephone, without the panel, and returns their numbers. */
export async function people(desk: Desk, phones: readonly string[]): Promise<string[]> {
  await load(desk, `手机号\n${phones.join('\n')}\n`, {
    columns: [{ column: '手机号', to: 'key:phone' }],
    app_id: '',
    consents: [],
    evidence: '',
  });
  return Promise.all(
    phones.map(async (p) => {
      const [found] = await get<{ id: string }[]>(desk, `/members?phone=${p}`);
      return found?.id ?? '';
    }),
  );
}

/** load imports a file of people, tried first, and waits until everybody is there. */
export async function load(desk: Desk, csv: string, mapping: object): Promise<void> {
  const { page, site, brand } = desk;
  const session = await page.request.get(`${site}/admin/api/v1/session`);
  const { data: me } = (await session.json()) as { data: { csrf: string } };
  const sent = await page.request.post(`${site}/admin/api/v1/imports`, {
    headers: { 'X-CSRF-Token': me.csrf },
    multipart: {
      brand_id: brand,
      name: '老客户',
      source: 'e2e',
      file: { name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) },
    },
  });
  expect(sent.ok(), await sent.text()).toBe(true);
  const { data } = (await sent.json()) as { data: { id: string } };
  const at = `/imports/${data.id}`;
  const until = (state: string) =>
    expect.poll(async () => (await get<{ state: string }>(desk, at)).state, { timeout: 60_000 }).toBe(state);
  await until('received');
  await api(page, site, 'PUT', `${at}/mapping`, mapping);
  await api(page, site, 'POST', `${at}/dry-run`);
  await until('checked');
  await api(page, site, 'POST', `${at}/run`);
  await until('done');
}

/** brings makes one person the referrer of others. */
export async function brings({ page, site, brand }: Desk, referrer: string, ...referees: string[]): Promise<void> {
  for (const member_id of referees) {
    await api(page, site, 'POST', '/referral/rebind', {
      brand_id: brand,
      member_id,
      referrer_id: referrer,
      role: 'member',
      reason: '建立样例',
    });
  }
}

/** partner makes a key for a shop system and returns how that system reports; now is its clock. */
export async function partner(
  { page, site, brand }: Desk,
  now: () => number = Date.now,
): Promise<(path: string, body: unknown) => Promise<{ status: string }[]>> {
  const key = await api<Key>(page, site, 'POST', '/apikeys', {
    brand_id: brand,
    name: '测试商城',
    permissions: ['events:write', 'orders:write'],
    person_kinds: ['phone'],
    per_minute: 0,
    reason: '联调',
  });
  return async (path, body) => {
    const data = await speak<{ results: { status: string }[] } | undefined>(site, key, now(), 'POST', path, body);
    return data?.results ?? [];
  };
}

/** Key is what a partner signs with. */
export type Key = { access: string; secret: string };

/** speak asks the open API as a partner at a moment of his clock, and returns its data. */
export async function speak<T>(
  site: string,
  key: Key,
  now: number,
  method: string,
  path: string,
  body: unknown,
): Promise<T> {
  const target = `/open/v1${path}`;
  const text = JSON.stringify(body);
  const [time, nonce] = [String(Math.floor(now / 1000)), randomBytes(8).toString('hex')];
  const signed = [method, target, time, nonce, createHash('sha256').update(text).digest('hex')].join('\n');
  const r = await fetch(site + target, {
    method,
    body: text,
    headers: {
      'Content-Type': 'application/json',
      'X-Siyu-Key': key.access,
      'X-Siyu-Time': time,
      'X-Siyu-Nonce': nonce,
      'X-Siyu-Sign': createHmac('sha256', key.secret).update(signed).digest('hex'),
    },
  });
  const answer = (await r.json()) as { data: T };
  expect(r.ok, JSON.stringify(answer)).toBe(true);
  return answer.data;
}

/** Tree is somebody's place among those who brought others, and how many they are. */
type Tree = { node: { direct: number; team_size: number; parent_id: string | null; who: { name: string } } };
export const tree = (desk: Desk, member: string): Promise<Tree> =>
  get<Tree>(desk, `/referral/tree?brand_id=${desk.brand}&member_id=${member}`);

/** review is an event of a partner: what somebody says of the goods. */
export const review = (phone: string, stars: number): object => ({
  key: `review-${phone}`,
  type: 'review',
  at: new Date().toISOString(),
  person: [{ kind: 'phone', value: phone }],
  body: { stars, text: '好吃' },
});

/** order is what a partner's shop sold to a telephone number; its number is the order's too. */
export const order = (phone: string, amount_fen: number): object => ({
  source: 'tmall',
  order_no: phone,
  at: new Date().toISOString(),
  person: [{ kind: 'phone', value: phone }],
  amount_fen,
  lines: [{ gtin: '06901234567892', quantity: 2, amount_fen }],
});

/** pays makes a rule that pays a member five percent of the orders of those he brought. */
export async function pays({ page, site, brand }: Desk): Promise<void> {
  const rule = await api<{ id: string; version: number }>(page, site, 'POST', '/commission/rules', {
    brand_id: brand,
    name: '会员订单佣金',
    trigger: 'order',
    pay: 'cash',
    each: 0,
    share_bp: 500,
    ceiling: 5000,
    roles: ['member'],
    product_ids: [],
    cap_per_day: 0,
    cap_per_cycle: 0,
    min_leader_level: 0,
    freeze_days: 7,
    budget_fen: 100_000,
    reason: '试点',
  });
  await api(page, site, 'POST', `/commission/rules/${rule.id}/activate`, { version: rule.version, reason: '试点' });
}

/** advice is a text that leaders may send on. */
export const advice = ({ page, site, brand }: Desk): Promise<{ id: string }> =>
  api(page, site, 'POST', '/leader-materials', {
    brand_id: brand,
    kind: 'copy',
    title: '验真话术',
    text: '每瓶一码',
    picture_url: '',
    min_level: 0,
  });

/** chore is a task for leaders. */
export const chore = ({ page, site, brand }: Desk): Promise<{ id: string }> =>
  api(page, site, 'POST', '/leader-tasks', {
    brand_id: brand,
    title: '讲讲验真',
    text: '',
    levels: [],
    link_url: '',
    material_id: null,
    due_day: 0,
  });

/** undone does something and takes it back from the notice that says it is done; state tells
 * what the server has, before, between and after. */
export async function undone(
  page: Page,
  what: string,
  state: () => Promise<unknown>,
  deed: () => Promise<void>,
  done: string,
): Promise<void> {
  await test.step(what, async () => {
    const before = await state();
    await deed();
    const notice = page.locator('.ant-message-notice', { hasText: done });
    await expect(notice).toBeVisible();
    expect(await state(), what).not.toEqual(before);
    await look(page, `undo-${what}`);
    await notice.getByRole('button', { name: '撤销' }).click();
    await expect(page.locator('.ant-message-notice', { hasText: '已撤销' }).last()).toBeVisible();
    await expect.poll(state, { message: what }).toEqual(before);
    await page.reload(); // without the notice
  });
}
