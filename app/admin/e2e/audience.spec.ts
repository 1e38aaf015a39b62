// Segments and pushes as an operator meets them on days when things go otherwise: a
// moment is missed, WeChat does not answer, a rule is too deep, a colleague sends it back.
import type { Page } from '@playwright/test';
import { draft, type Market, type Moved, market, settle, skewed } from './audiencekit';
import type { Person } from './crowd';
import { get } from './deedskit';
import { dialog, look, looked, until } from './pagekit';
import { operator } from './server';
import { api, type Complaints, colleague, enter, expect, goTo, test } from './test';

const second = { login: 'lin.pi', password: 'e2e-Sesam-2027' };

let server: Moved;
let m: Market;
let complain: Complaints;

test('segments and pushes on days when things go otherwise', async ({ page, browser, complaints }) => {
  test.setTimeout(900_000);
  server = await skewed('audience');
  const others: { page: Page; complaints: Complaints }[] = [];
  try {
    complain = complaints;
    page.setDefaultTimeout(40_000);
    await enter(page, server.base, operator);
    m = await market(page, server, second);
    others.push(await colleague(browser, server.base, second));
    const other = others[0]?.page as Page;
    const people = await begin();
    await segments();
    await pushes(other, people);
    expect(complaints.list()).toEqual([]);
  } finally {
    for (const o of others) await o.page.context().close();
    await server.stop();
  }
});

const crowd = (n: number, bought: (i: number) => string[]): Person[] =>
  Array.from({ length: n }, (_, i) => ({
    name: `顾客${String(i + 1).padStart(3, '0')}`,
    openid: '',
    profiling: true,
    marketing: true,
    walks: false,
    opened: i % 12 === 11 ? 'no' : i % 12 === 10 ? 'allowed' : 'wrote',
    bought: bought(i),
  }));

type Segment = { id: string; rev: number };

/** begin is the brand with its people, and two segments of them: many and few. */
async function begin(): Promise<{ many: Segment; few: Segment; bought: (gtin: string, more?: object) => object }> {
  const { page, site } = m;
  const [solution, lens] = m.products.map((p) => p.gtin) as [string, string];
  const people = crowd(120, (i) => (i < 100 ? [solution] : i < 110 ? [solution, lens] : i < 115 ? [lens] : []));
  await test.step('a brand with its people', () =>
    settle(m, people, (_, i) => (i % 10 === 0 ? 100 : 20), server.now()));
  const segment = (name: string, root: object) =>
    api<{ id: string; rev: number }>(page, site, 'POST', '/segments', {
      brand_id: m.brand,
      name,
      note: '',
      tree: { v: 1, root },
      rev: 0,
    });
  const bought = (gtin: string, more: object = {}) => ({
    did: {
      what: 'bought',
      product_ids: [m.products.find((p) => p.gtin === gtin)?.id],
      op: 'gte',
      values: [1],
      ...more,
    },
  });
  const many = await segment('买过护理液', { all: [bought(solution)] });
  const few = await segment('买过镜片', { all: [bought(lens)] });
  return { many, few, bought };
}

async function pushes(other: Page, { many, few, bought }: Awaited<ReturnType<typeof begin>>): Promise<void> {
  const { page, site, sim } = m;
  const solution = m.products[0]?.gtin ?? '';
  const act = (id: string, what: string, body: object = { version: 1, reason: '' }) =>
    api<{ version: number }>(page, site, 'POST', `/pushes/${id}/${what}`, body);

  await test.step('a push that missed its moment waits for a person', async () => {
    const at = new Date(server.now().getTime() + 10 * 60_000);
    const p = await draft(m, few.id, '错过的介绍', { timing: 'at', start_at: at.toISOString() });
    await act(p.id, 'schedule');
    await goTo(page, site, `/pushes/${p.id}`);
    await looked(page, 'aud-push-scheduled');
    server.wait(55);
    await until(page, /已错过 \d+ 分钟/);
    await looked(page, 'aud-push-missed');
    await goTo(page, site, '/pushes');
    await look(page, 'aud-pushes');
    await goTo(page, site, `/pushes/${p.id}`);
    await page.getByRole('button', { name: '现在开始' }).click();
    await look(page, 'aud-push-missed-start');
    await dialog(page).getByRole('button', { name: '现在开始' }).click();
    await until(page, '已结束');
    await looked(page, 'aud-push-done');
  });

  await test.step('what WeChat did not answer is unknown, counted, and not sent again', async () => {
    await tell('misfortunes', { call: 'custom.send', kind: 'commit_then_drop', count: 3 });
    const p = await draft(m, few.id, '没有回音的介绍');
    await act(p.id, 'start');
    await goTo(page, site, `/pushes/${p.id}`);
    await until(page, /没有得到结果|结果未知/, 60_000);
    await looked(page, 'aud-push-unknown');
    await goTo(page, site, `/pushes/${p.id}?tab=people&of=unknown`);
    await page.getByRole('button', { name: '为什么' }).first().click();
    await until(page, /可能已送达/);
    await looked(page, 'aud-push-unknown-why');
  });

  await test.step('pause, resume, stop', async () => {
    const p = await draft(m, many.id, '慢慢来的介绍', { per_second: 1 });
    const asked = await act(p.id, 'submit');
    const agreed = await api<{ version: number }>(other, site, 'POST', `/pushes/${p.id}/approve`, {
      version: asked.version,
      reason: '',
    });
    await act(p.id, 'start', { version: agreed.version, reason: '' });
    await goTo(page, site, `/pushes/${p.id}`);
    await page.getByRole('button', { name: '暂停', exact: true }).click();
    await until(page, '已暂停');
    await looked(page, 'aud-push-paused');
    await page.getByRole('button', { name: '继续', exact: true }).click();
    await expect(page.getByRole('button', { name: '暂停', exact: true })).toBeVisible();
    await look(page, 'aud-push-running');
    await page.getByRole('button', { name: '停止' }).click();
    await look(page, 'aud-push-stop');
    const ask = dialog(page);
    await ask.getByLabel('原因').fill('内容写错了');
    await ask.getByLabel(/输入/).fill('慢慢来的介绍');
    await ask.getByRole('button', { name: '停止' }).click();
    await until(page, /人工停止：内容写错了/);
    await looked(page, 'aud-push-stopped');
  });

  await test.step('a push goes back for approval when the rule changed after it', async () => {
    const p = await draft(m, many.id, '要审批的介绍');
    await act(p.id, 'submit');
    await goTo(other, site, `/pushes/${p.id}`);
    await looked(other, 'aud-push-pending');
    await other.getByRole('button', { name: '批准', exact: true }).click();
    await dialog(other).getByRole('button', { name: '批准', exact: true }).click();
    await until(other, '已批准，等人点');
    await api(page, site, 'PUT', `/segments/${many.id}`, {
      brand_id: m.brand,
      name: '买过护理液',
      note: '放宽到半年',
      tree: { v: 1, root: { all: [bought(solution, { within_days: 180 })] } },
      rev: many.rev,
    });
    await goTo(page, site, `/pushes/${p.id}`);
    await page.getByRole('button', { name: '现在开始' }).click();
    await dialog(page).getByRole('button', { name: '现在开始' }).click();
    await until(page, /请撤回后重新提交审批/);
    await expect(page.getByRole('button', { name: '现在开始' })).toHaveCount(0);
    await looked(page, 'aud-push-again');
  });

  await test.step('a channel that WeChat stopped says until when', async () => {
    await tell('misfortunes', { call: 'custom.send', kind: 'unknown_code', code: '45009', count: 1 });
    const p = await draft(m, few.id, '到了上限的介绍');
    await act(p.id, 'start');
    await goTo(page, site, `/pushes/${p.id}`);
    await until(page, /再发送|已达上限/, 120_000); // a lane that was refused looks again after a minute
    await looked(page, 'aud-push-quota');
    await goTo(page, site, '/pushes/reach?tab=ways');
    await until(page, /45009/);
    await looked(page, 'aud-reach-stopped');
    await page.getByRole('button', { name: '提前恢复' }).click();
    await dialog(page).getByLabel('原因').fill('已向微信申请清零');
    await dialog(page)
      .getByRole('button', { name: /确认|恢复/ })
      .last()
      .click();
    await expect(page.getByText(/45009/)).toHaveCount(0);
    await goTo(page, site, '/pushes/reach');
    await until(page, /^品牌用户 \d+ 人：\d+ 人可用客服消息/);
    await looked(page, 'aud-reach-now');
  });
  function tell(path: string, body: object) {
    return fetch(`${sim}/sim/api/${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
  }
}

async function segments(): Promise<void> {
  const { page, site } = m;
  const [g] = await get<{ id: string; name: string }[]>(
    m,
    `/segments?brand_id=${m.brand}&q=${encodeURIComponent('买过镜片')}`,
  );
  const at = `/audience/segments/${g?.id}`;
  const [member] = await get<{ member_id: string }[]>(m, `/segments/sample?brand_id=${m.brand}&tree=${only(m)}`);

  await test.step("a rule that is too deep is refused in words, and the shops' templates make one", async () => {
    await goTo(page, site, '/audience/segments/new');
    await page.getByRole('button', { name: 'JSON' }).click();
    let root: object = { attr: { name: 'leader', op: 'known' } };
    for (let i = 0; i < 8; i++) root = { all: [{ not: root }, { attr: { name: 'leader', op: 'known' } }] };
    await dialog(page)
      .getByRole('textbox')
      .fill(JSON.stringify({ v: 1, root }));
    complain.allow(/400 GET .*\/segments\/(size|sample)|status of 400/);
    await dialog(page).getByRole('button', { name: '使用这份规则' }).click();
    await until(page, /最多嵌套 6 层/);
    await looked(page, 'aud-segment-deep');
    await goTo(page, site, '/audience/segments/new');
    await page.getByRole('button', { name: '常用模板' }).click();
    await dialog(page).getByText('只买一个商品', { exact: true }).click();
    await look(page, 'aud-segment-template');
  });

  await test.step('why somebody is in it; an old rule counts again; a list of who is in it now', async () => {
    await goTo(page, site, at);
    await page.getByLabel('会员编号').fill(member?.member_id ?? '');
    await page.getByRole('button', { name: '查询' }).click();
    await until(page, '在这个人群里。');
    await looked(page, 'aud-segment-why');
    const now = await get<{ rev: number; rule: { tree: object } }>(m, `/segments/${g?.id}`);
    await api(page, site, 'PUT', `/segments/${g?.id}`, {
      brand_id: m.brand,
      name: '买过镜片',
      note: '',
      tree: { v: 1, root: { all: [{ attr: { name: 'leader', op: 'known' } }] } },
      rev: now.rev,
    });
    await page.reload();
    await page.getByRole('button', { name: '恢复这一版' }).click();
    await dialog(page)
      .getByRole('button', { name: /确认|确定/ })
      .click();
    await until(page, '已恢复');
    await looked(page, 'aud-segment-versions');
    await page.getByRole('button', { name: '存为名单' }).click();
    await dialog(page)
      .getByRole('button', { name: /保存|确定/ })
      .click();
    await expect(page).toHaveURL(/\/audience\/lists\/\d+/);
    await looked(page, 'aud-list');
  });
}

const only = ({ products }: Market) =>
  encodeURIComponent(
    JSON.stringify({
      v: 1,
      root: { all: [{ did: { what: 'bought', product_ids: [products[1]?.id], op: 'gte', values: [1] } }] },
    }),
  );
