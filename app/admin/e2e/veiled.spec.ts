// A push as those see it who may open no member's page: how many, about, and never whom. And
// what it says of itself: what it will cost, how long it takes, what each yuan brought, and
// nothing at all once the groups are not what chance made them.
import type { Page } from '@playwright/test';
import { draft, type Market, type Moved, market, settle, skewed } from './audiencekit';
import { each, type Person } from './crowd';
import { get } from './deedskit';
import { everybody, those } from './eyecarekit';
import { dialog, look, looked, until } from './pagekit';
import { operator } from './server';
import { api, type Complaints, colleague, enter, expect, goTo, test } from './test';

const second = { login: 'lin.pi', password: 'e2e-Sesam-2027' };
const writer = { login: 'men.dian', password: 'e2e-Sesam-2028' };
const approver = { login: 'dian.zhang', password: 'e2e-Sesam-2029' };

let server: Moved;
let m: Market;
let members: Map<Person, string>;

/** veiled: no member's number stands on the page, and no number of people but about. */
async function veiled(page: Page, name: string, aloud = true): Promise<void> {
  const text = await page.locator('#main').innerText();
  for (const id of members.values()) expect(text, name).not.toContain(id);
  for (const [, n] of text.matchAll(/(\d[\d,]*) 人/g))
    expect(Number(n?.replace(/,/g, '')) % 5, `${name}: ${n} 人`).toBe(0);
  await (aloud ? looked(page, name) : look(page, name));
}

test('a push, for who may open no member', async ({ page, browser, complaints }) => {
  test.setTimeout(900_000);
  server = await skewed('veiled');
  const others: { page: Page; complaints: Complaints }[] = [];
  try {
    page.setDefaultTimeout(40_000);
    await enter(page, server.base, operator);
    m = await market(page, server, second);
    await brand();
    for (const who of [writer, approver]) {
      const o = await colleague(browser, server.base, who);
      o.page.setDefaultTimeout(40_000);
      others.push(o);
    }
    const [shop, boss] = others.map((o) => o.page) as [Page, Page];
    const id = await written(shop);
    await agreed(shop, boss, id);
    await running(page, shop, id);
    await earned(page, shop, id);
    await reach(shop);
    await broken(page, shop, id);
    expect(complaints.list()).toEqual([]);
    for (const o of others) expect(o.complaints.list()).toEqual([]);
  } finally {
    for (const o of others) await o.page.context().close();
    await server.stop();
  }
});

/** brand is one with two hundred people, messages that cost something, and two operators of
 * its own who may open no member. */
async function brand(): Promise<void> {
  const { page, site } = m;
  const solution = m.products[0]?.gtin as string;
  const people = Array.from({ length: 203 }, (_, i): Person => {
    const bought = i < 200 ? [solution] : [m.products[1]?.gtin as string];
    return {
      name: `顾客${String(i + 1).padStart(3, '0')}`,
      openid: '',
      profiling: true,
      marketing: true,
      walks: false,
      opened: 'wrote',
      bought,
    };
  });
  await test.step('a brand with its people', () => settle(m, people, () => 20, server.now()));
  members = await everybody(m, people);
  const policy = await get<{ prices: object[] }>(m, `/reach/policy?brand_id=${m.brand}`);
  await api(page, site, 'PUT', '/reach/policy', {
    ...policy,
    prices: [{ channel: 'custom', li: 45 }],
    reason: '按坐席成本计价',
  });
  const own = { brand_ids: [m.brand] };
  await api(page, site, 'POST', '/operators', { name: '门店运营', ...writer, roles: ['operations'], ...own });
  await api(page, site, 'POST', '/operators', { name: '店长', ...approver, roles: ['approver'], ...own });
}

const bought = (at: number) => ({
  did: { what: 'bought', product_ids: [m.products[at]?.id], op: 'gte', values: [1] },
});

/** written: he describes the people, sees about how many, and writes the push. */
async function written(shop: Page): Promise<string> {
  const { site } = m;
  await test.step('the funnel of a rule, about; of few, that they are few', async () => {
    for (const [at, name, words] of [
      [0, 'many', /约 \d+/],
      [1, 'few', '少于 5'],
    ] as const) {
      await goTo(shop, site, '/audience/segments/new');
      await shop.getByRole('button', { name: 'JSON' }).click();
      await dialog(shop)
        .getByRole('textbox')
        .fill(JSON.stringify({ v: 1, root: { all: [bought(at)] } }));
      await dialog(shop).getByRole('button', { name: '使用这份规则' }).click();
      await expect(shop.locator('.funnel-step').last()).toContainText(words, { timeout: 40_000 });
      await veiled(shop, `veil-segment-${name}`, name === 'few');
    }
  });
  return test.step('the wizard', async () => {
    const segment = await api<{ id: string }>(shop, site, 'POST', '/segments', {
      brand_id: m.brand,
      name: '买过护理液',
      note: '',
      tree: { v: 1, root: { all: [bought(0)] } },
      rev: 0,
    });
    const p = await draft({ ...m, page: shop }, segment.id, '镜片介绍', {
      per_second: 1,
      held_bp: 5000,
      product_ids: [m.products[1]?.id],
      links: [{ title: '镜片', url: 'https://shop.example.cn/lens' }],
      arms: [{ name: 'A', weight: 1, contents: [{ text: '{姓名|您}好，镜片到店：{链接1}', data: {}, link_no: 0 }] }],
    });
    for (const [step, words] of [
      ['who', /约 \d+/],
      ['what', /约 \d+/],
      ['when', /现在可触达/],
      ['control', /约 \d+/],
      ['review', /大约 ¥/],
    ] as const) {
      await goTo(shop, site, `/pushes/${p.id}/edit?step=${step}`);
      await until(shop, words);
      await veiled(shop, `veil-wizard-${step}`, step === 'review');
    }
    await expect(shop.getByText(/≈ \d/)).toHaveCount(0);
    await shop.getByRole('button', { name: '提交审批' }).click();
    await look(shop, 'veil-submit');
    await dialog(shop).getByRole('button', { name: '提交审批' }).click();
    await until(shop, /等待另一位同事审批/);
    return p.id;
  });
}

async function agreed(shop: Page, boss: Page, id: string): Promise<void> {
  await test.step('the approver sees what it will cost, and about how many', async () => {
    await goTo(boss, m.site, `/pushes/${id}`);
    await until(boss, '预计花费');
    await veiled(boss, 'veil-approver');
    await boss.getByRole('button', { name: '批准', exact: true }).click();
    await look(boss, 'veil-approve');
    await dialog(boss).getByRole('button', { name: '批准', exact: true }).click();
    await until(boss, '已批准，等人点');
    await goTo(shop, m.site, `/pushes/${id}`);
    await shop.getByRole('button', { name: '现在开始' }).click();
    await look(shop, 'veil-start');
    await dialog(shop).getByRole('button', { name: '现在开始' }).click();
  });
}

async function running(page: Page, shop: Page, id: string): Promise<void> {
  await test.step('how far it is, and what it brought while nobody acted', async () => {
    await until(shop, /正在估算还要多久|预计还要/);
    await look(shop, 'veil-running-first');
    await until(shop, /正在发送，预计还要 \d+ 秒/);
    await veiled(shop, 'veil-running');
    await expect(shop.getByRole('tab', { name: '每个人' })).toHaveCount(0);
    const sent = async () => [...(await those(m, id, 'sent', members))];
    await expect.poll(async () => (await sent()).length).toBeGreaterThanOrEqual(13);
    const some = (await sent()).slice(0, 13);
    await each(some, (p) =>
      api(page, m.site, 'PUT', `/reach/people/${members.get(p)}/wishes`, {
        brand_id: m.brand,
        topic: '',
        channel: '',
        refused: true,
        reason: '来电要求',
      }),
    );
    await goTo(page, m.site, `/pushes/${id}?tab=report`);
    await until(page, /这次触达后 13 人退订，占送达的 [\d.]+%/);
    await expect(page.getByText('什么都不能说')).toHaveCount(1);
    await expect(page.getByText('未见效果')).toHaveCount(0);
    await look(page, 'veil-report-early-exact');
    await goTo(page, m.site, `/pushes/${id}`);
    await look(page, 'veil-running-exact');
    await goTo(shop, m.site, `/pushes/${id}?tab=report`);
    await until(shop, /这次触达后约 \d+ 人退订，占送达的 [\d.]+%/);
    await expect(shop.getByText('未见效果')).toHaveCount(0);
    await veiled(shop, 'veil-report-early', false);
  });
}

async function earned(page: Page, shop: Page, id: string): Promise<void> {
  await test.step('what each yuan brought, of the chosen products alone', async () => {
    await expect
      .poll(async () => (await get<{ state: string }>(m, `/pushes/${id}`)).state, { timeout: 180_000 })
      .toBe('done');
    const [sent, held] = await Promise.all([those(m, id, 'sent', members), those(m, id, 'held', members)]);
    const [solution, lens] = m.products.map((p) => p.gtin) as [string, string];
    const buy = (list: Person[], gtin: string) =>
      list.map((p) => ({
        at: server.now().toISOString(),
        person: [{ kind: 'openid', scope: m.appID, value: p.openid }],
        source: 'shop',
        order_no: `veil-${gtin}-${members.get(p)}`,
        amount_fen: 12900,
        lines: [{ gtin, quantity: 1, amount_fen: 12900 }],
      }));
    const orders = [
      // All who were told, and thirty who were not: an effect however chance divides the people.
      ...buy([...sent], lens),
      ...buy([...held].slice(0, 30), lens),
      ...buy([...held], solution),
    ];
    for (let at = 0; at < orders.length; at += 100)
      for (const r of await m.report('/orders', { orders: orders.slice(at, at + 100) }))
        expect(r.status, JSON.stringify(r)).toBe('stored');
    type Report = { money: { per_yuan: object | null }; held: { buyers: number } };
    await expect
      .poll(async () => (await get<Report>(m, `/pushes/${id}/report`)).held.buyers, { timeout: 60_000 })
      .toBe(30); // and not everybody who bought something else
    await goTo(page, m.site, `/pushes/${id}?tab=report`);
    await until(page, /每花 1 元带来/);
    await until(page, '只统计：镜片 日抛 30 片');
    await expect(page.getByRole('row', { name: /^下单人数占比/ })).toContainText('有提升');
    await looked(page, 'veil-report-exact');
    await goTo(shop, m.site, `/pushes/${id}?tab=report`);
    await until(shop, /都是约数/);
    await veiled(shop, 'veil-report');
  });
}

async function reach(shop: Page): Promise<void> {
  await test.step('who can be reached, and who refused', async () => {
    await goTo(shop, m.site, '/pushes/reach');
    await until(shop, /^品牌用户/);
    await veiled(shop, 'veil-reach');
    await goTo(shop, m.site, '/pushes/reach?tab=ways');
    await until(shop, '今天用量');
    await veiled(shop, 'veil-ways', false);
    await goTo(shop, m.site, '/pushes/reach?tab=optouts');
    await until(shop, /退订了什么/);
    await veiled(shop, 'veil-optouts');
    await goTo(shop, m.site, '/pushes');
    await until(shop, '镜片介绍');
    await veiled(shop, 'veil-pushes', false);
    await goTo(shop, m.site, '/pushes/holdout');
    await veiled(shop, 'veil-holdout', false);
  });
}

/** broken: somebody merges half of those left alone into a few, as a rule gone wrong does. */
async function broken(page: Page, shop: Page, id: string): Promise<void> {
  const { site } = m;
  await test.step('groups that are not what chance made them: an alarm, and no effect', async () => {
    for (const kind of ['openid', 'unionid'])
      await api(page, site, 'PUT', '/identity/kinds', {
        kind,
        title: '',
        strong: true,
        most: 45,
        scope_rule: '',
        reason: '一人多号',
      });
    const held = [...(await those(m, id, 'held', members))].map((p) => members.get(p) as string);
    const gone = held.slice(0, held.length - 25);
    const heads = [held.at(-1), held.at(-2), held.at(-3)];
    for (const [i, other_member_id] of gone.entries())
      await api(page, site, 'POST', '/identity/merges', {
        member_id: heads[i % 3],
        other_member_id,
        reason: '同一位店员代领',
      });
    type Report = { sizes: { alarm: boolean } };
    await expect
      .poll(async () => (await get<Report>(m, `/pushes/${id}/report`)).sizes.alarm, { timeout: 60_000 })
      .toBe(true);
    for (const [who, name] of [
      [page, 'exact'],
      [shop, 'about'],
    ] as const) {
      await goTo(who, site, `/pushes/${id}?tab=report`);
      await until(who, '分组被打乱，这次触达不给出效果');
      await until(who, /“本次留白的人”按比例应约 \d+ 人，实际 \d+ 人/);
      await until(who, /请先查明原因/);
      for (const word of ['有提升', '有下降', '估计带来']) await expect(who.getByText(word)).toHaveCount(0);
      if (who === shop) await veiled(who, `veil-alarm-${name}`);
      else await looked(who, `veil-alarm-${name}`);
    }
  });
}
