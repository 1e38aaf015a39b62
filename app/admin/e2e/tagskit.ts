// What tags.spec.ts needs beside the steps of its story: its people, a model that writes from
// outside, tags that run already, and the parts of a tag's page.
import type { Page } from '@playwright/test';
import type { Market, Moved } from './audiencekit';
import type { Person } from './crowd';
import { get, type Key, speak } from './deedskit';
import { dialog, look, pick } from './pagekit';
import { api, expect } from './test';

export type Made = { id: string; name: string; rev: number };

/** customers are 48 people: thirty who bought solution, ten who bought lenses too, and eight who
 * only wrote. */
export const customers = (solution: string, lens: string): Person[] =>
  Array.from({ length: 48 }, (_, i) => ({
    name: `顾客${String(i + 1).padStart(3, '0')}`,
    openid: '',
    profiling: true,
    marketing: true,
    walks: false,
    opened: i % 3 === 0 || i >= 40 ? 'wrote' : 'no', // whoever did nothing at all is not known to the brand
    bought: i < 30 ? [solution] : i < 40 ? [solution, lens] : [],
  }));

export const made = (m: Market, id: string) => get<Made>(m, `/tags/${id}`);

/** A partner's key, and how its computation writes scores. */
export async function model(
  m: Market,
  server: Moved,
  tag: string,
): Promise<(version: number, scores: object[]) => Promise<{ written: number; failed: number }>> {
  const { page, site, brand } = m;
  const key = await api<Key>(page, site, 'POST', '/apikeys', {
    brand_id: brand,
    name: '算法平台',
    permissions: ['scores:write'],
    person_kinds: ['phone'], // who it may make; everybody it may name,
    per_minute: 0,
    reason: '模型写分',
  });
  return (version, scores) =>
    speak(site, key, server.now().getTime(), 'PUT', `/tags/${tag}/scores`, { version, scores });
}

/** scored is what the model says of one person. */
export const scored = (m: Market, p: Person, score: number) => ({
  person: [{ kind: 'openid', scope: m.appID, value: p.openid }],
  score,
  value: score >= 60 ? '高' : '低',
});

/** approved makes a tag that runs, without the pages; other is the second person. */
export async function approved(
  m: Market,
  other: Page,
  name: string,
  kind: string,
  definition: object,
  more: object = {},
): Promise<Made> {
  const { page, site, brand } = m;
  const me = await get<{ operator: { id: string } }>(m, '/session');
  const empty = { source: kind, choices: [], field: '', event_type: '', cases: [] };
  const t = await api<Made>(page, site, 'POST', '/tags', {
    brand_id: brand,
    rev: 0,
    class: 'activity',
    category_id: null,
    name,
    kind,
    purpose: '决定先联系谁',
    intended_use: '回访名单',
    owner_id: me.operator.id,
    sensitive: false,
    roles: [],
    ttl_days: 0,
    refresh_minutes: kind === 'rule' ? 1440 : 0,
    review_days: 90,
    idle_days: 7,
    ...more,
  });
  await api(page, site, 'PUT', `/tags/${t.id}/definition`, { rev: t.rev, definition: { ...empty, ...definition } });
  const sent = await api<Made>(page, site, 'POST', `/tags/${t.id}/submit`, { rev: t.rev + 1 });
  await api(other, site, 'POST', `/tags/${t.id}/approve`, { rev: sent.rev, note: '' });
  return made(m, t.id);
}

/** used lets others hang on two tags: a tag of both of them, and a segment of that. */
export async function used(m: Market, other: Page, bought: Made, churn: Made): Promise<void> {
  const { page, site, brand } = m;
  const loyal = await approved(m, other, '值得挽留', 'rule', {
    source: 'rule',
    cases: [
      {
        value: '',
        tree: {
          v: 1,
          root: {
            all: [
              { tag: { id: bought.id, op: 'has', values: [] } },
              { tag: { id: churn.id, op: 'is', values: ['高'] } },
            ],
          },
        },
      },
    ],
  });
  await api(page, site, 'POST', '/segments', {
    brand_id: brand,
    name: '本月回访',
    note: '',
    tree: { v: 1, root: { all: [{ tag: { id: loyal.id, op: 'has', values: [] } }] } },
    rev: 0,
  });
}

/** counted waits until a tag was counted again. Its page would look only every half minute. */
export const counted = (m: Market, id: string, people: number) =>
  expect.poll(async () => (await get<{ people: number }>(m, `/tags/${id}`)).people, { timeout: 90_000 }).toBe(people);

/** addressOf is the id of the tag whose page is open. */
export const addressOf = (page: Page) => /\/audience\/tags\/(\d+)/.exec(page.url())?.[1] ?? '';

/** card is a big number of the page by its title. */
export const card = (page: Page, title: string) => page.locator('.stat').filter({ hasText: title });

/** part is a section of the page by its heading. */
export const part = (page: Page, title: string) =>
  page.locator('.section').filter({ has: page.getByRole('heading', { name: title }) });

/** searched is what the search field finds. */
export async function searched(page: Page, text: string) {
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: '全局搜索' }).fill(text);
  return page.getByRole('option');
}

/** give adds a tag by hand on a member's page; end as the form writes it, or for as long as the
 * tag lasts. */
export async function give(
  page: Page,
  { name, value, reason, end = '' }: { name: string; value: string; reason: string; end?: string },
): Promise<void> {
  await page.getByRole('button', { name: /添加标签$/ }).click();
  const form = dialog(page);
  await pick(form, page, '标签', name);
  await pick(form, page, '取值', value);
  if (end) {
    await form.getByLabel('失效时间').fill(end);
    await page.keyboard.press('Enter');
  }
  await form.getByLabel('理由').fill(reason);
  await look(page, 'tag-give');
  await form.getByRole('button', { name: /添加标签$/ }).click();
  await expect(form).toBeHidden();
}
