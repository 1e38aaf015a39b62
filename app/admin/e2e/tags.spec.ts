// The life of tags as the people meet it who ask for them, decide about them and use them:
// a request goes back and comes again, everybody is computed, a model speaks from outside,
// something is given by hand and ends by itself, and what nobody uses proposes its own end.
import type { Page } from '@playwright/test';
import { type Market, type Moved, market, settle, skewed } from './audiencekit';
import { order, type Person } from './crowd';
import { get } from './deedskit';
import { dialog, look, looked, pick, until, wall } from './pagekit';
import { operator } from './server';
import {
  addressOf,
  approved,
  card,
  counted,
  customers,
  give,
  type Made,
  made,
  model,
  part,
  scored,
  searched,
  used,
} from './tagskit';
import { api, type Complaints, colleague, enter, expect, goTo, test } from './test';

const second = { login: 'lin.pi', password: 'e2e-Sesam-2027' };
const support = { login: 'ke.fu', password: 'e2e-Sesam-2028' };
const analyst = { login: 'fen.xi', password: 'e2e-Sesam-2029' };

let server: Moved;
let m: Market;
let other: Page; // of the second person
let people: Person[];
let complain: Complaints;

test('the life of tags', async ({ page, browser, complaints }) => {
  test.setTimeout(900_000);
  // Every second computation of everybody lasts for a while, as that of a million people does.
  server = await skewed('tags', {
    SIYU_FAIL: 'stall:commit.after@model/tag.(*Store).moved:2:25000',
  });
  const others: { page: Page; complaints: Complaints }[] = [];
  try {
    complain = complaints;
    page.setDefaultTimeout(40_000);
    await enter(page, server.base, operator);
    m = await market(page, server, second);
    others.push(await colleague(browser, server.base, second));
    other = others[0]?.page as Page;
    other.setDefaultTimeout(40_000);
    await begin();
    const bought = await requested();
    await computed(bought);
    const churn = await modelled();
    const care = await byHand();
    await found({ bought, churn, care });
    await api(page, m.site, 'POST', '/operators', { name: '客小服', ...support, roles: ['support'] });
    others.push(await colleague(browser, server.base, support));
    await hidden(others[1]?.page as Page, care);
    await api(page, m.site, 'POST', '/operators', { name: '分小析', ...analyst, roles: ['analyst'] });
    others.push(await colleague(browser, server.base, analyst));
    await veiled(others[2]?.page as Page, churn);
    await ended({ bought, churn, care }, ...others.map((o) => o.page), page);
    await leftAlone();
    expect(complaints.list()).toEqual([]);
    for (const o of others) expect(o.complaints.list()).toEqual([]);
  } finally {
    for (const o of others) await o.page.context().close();
    await server.stop();
  }
});

/** begin is the brand with its people: most bought solution, some lenses too. */
async function begin(): Promise<void> {
  const [solution, lens] = m.products.map((p) => p.gtin) as [string, string];
  people = customers(solution, lens);
  await test.step('a brand with its people', () => settle(m, people, () => 20, server.now()));
}

/** Somebody asks for a tag, is sent back, mends it, and it is approved. */
async function requested(): Promise<Made> {
  const { page, site } = m;
  const name = '近期买过护理液';

  await test.step('a branch of the tree, and a request in four steps', async () => {
    await goTo(page, site, '/audience/tags');
    await until(page, '还没有标签');
    await looked(page, 'tag-empty');
    const tree = page.getByRole('region', { name: '标签树' });
    await tree.getByText(/^消费行为/).click();
    await tree.getByRole('button', { name: '新建下级分类' }).click();
    await dialog(page).getByLabel('分类名称').fill('护理液客户');
    await dialog(page).getByRole('button', { name: '保存' }).click();
    await expect(tree.getByText(/^护理液客户/)).toBeVisible();
    await goTo(page, site, '/audience/tags/new');
    await page.getByLabel('标签名称').fill(name);
    await pick(page, page, '分类', '护理液客户');
    await page.getByLabel('目的', { exact: true }).fill('找到近期买过护理液的客户，提醒回购');
    await page.getByLabel('打算用在哪里').fill('回购提醒的触达人群');
    await looked(page, 'tag-new-kind');
    await page.getByRole('button', { name: '下一步' }).click();
    await pick(page, page, '添加条件', '购买（领取或下单）');
    await expect(page.locator('.funnel')).toContainText('40');
    await looked(page, 'tag-new-rule');
    await page.getByRole('button', { name: '下一步' }).click();
    await page.getByLabel('闲置天数').fill('7');
    await looked(page, 'tag-new-keep');
    await page.getByRole('button', { name: '下一步' }).click();
    await until(page, '提交后不能自己审批');
    await looked(page, 'tag-new-review');
    await page.getByRole('button', { name: /提交审批$/ }).click();
    await until(page, '您是提出人或编写人，不能自己审批。');
    await expect(page.getByRole('button', { name: '批准', exact: true })).toHaveCount(0);
    await looked(page, 'tag-waits');
  });
  const id = addressOf(page);

  await test.step('the second person sees it waiting, and sends it back with a reason', async () => {
    await goTo(other, site, '/audience/tags');
    await other.getByRole('link', { name: '1 个标签待审批' }).click();
    await look(other, 'tag-list-pending');
    await other.getByRole('link', { name }).click();
    await until(other, /按这个条件，现在有 40 人/);
    await looked(other, 'tag-decide');
    await other.getByRole('button', { name: '退回', exact: true }).click();
    await dialog(other).getByLabel('原因').fill('没有限定商品：买镜片的也算进来了');
    await look(other, 'tag-reject');
    await dialog(other).getByRole('button', { name: '确认' }).click();
    await until(other, '已退回，请修改后再提交');
  });

  await test.step('it is mended and sent in again; who decides reads why it went back', async () => {
    await goTo(page, site, `/audience/tags/${id}`);
    await until(page, '没有限定商品：买镜片的也算进来了');
    await looked(page, 'tag-sent-back');
    await page.getByRole('link', { name: '编写取值' }).click();
    await pick(page, page, '商品', m.products[0]?.shown ?? '');
    await looked(page, 'tag-mend');
    await page.getByRole('button', { name: /提交审批$/ }).click();
    await until(page, '您是提出人或编写人，不能自己审批。');
    await goTo(other, site, `/audience/tags/${id}`);
    await until(other, /上次退回/);
    await expect(other.getByText('没有限定商品：买镜片的也算进来了').first()).toBeVisible();
    await looked(other, 'tag-decide-again');
    await other.getByRole('button', { name: '批准', exact: true }).click();
    await dialog(other).getByLabel('意见').fill('范围合适');
    await look(other, 'tag-approve');
    await dialog(other).getByRole('button', { name: '确认' }).click();
    await until(other, '计算全部用户');
    await look(other, 'tag-computing');
    await expect(card(other, '人数')).toContainText('40', { timeout: 60_000 });
  });
  return made(m, id);
}

/** One computation is stopped on the way, the next one runs to its end. */
async function computed(bought: Made): Promise<void> {
  const { page, site } = m;
  await test.step('everybody is computed anew, with progress; it can be stopped', async () => {
    await goTo(page, site, `/audience/tags/${bought.id}`);
    await expect(page.getByText('运行中').first()).toBeVisible();
    await page.getByRole('button', { name: /重新计算$/ }).click();
    const run = part(page, '计算全部用户');
    await expect(run.getByRole('progressbar')).toBeVisible();
    await expect(run).toContainText(/40 \/ 40/, { timeout: 40_000 });
    await look(page, 'tag-progress');
    await run.getByRole('button', { name: '取消' }).click();
    const runs = part(page, '计算记录');
    await expect(runs.getByRole('row').filter({ hasText: '已取消' })).toHaveCount(1);
    await page.getByRole('button', { name: /重新计算$/ }).click();
    await expect(runs.getByRole('row').filter({ hasText: '已完成' })).toHaveCount(2);
    await looked(page, 'tag-runs');
  });
  await test.step('an order moves the tag within seconds', async () => {
    const late = people[47] as Person;
    const [r] = await m.report('/orders', {
      orders: [order(late, m.appID, m.products[0]?.gtin ?? '', 'late-1', server.now())],
    });
    expect(r?.status).toBe('stored');
    const tree = JSON.stringify({ v: 1, root: { all: [{ tag: { id: bought.id, op: 'has', values: [] } }] } });
    const has = `/segments/size?brand_id=${m.brand}&tree=${encodeURIComponent(tree)}`;
    await expect.poll(async () => (await get<{ matched: number }>(m, has)).matched, { timeout: 60_000 }).toBe(41);
  });
}

/** A model speaks from outside: two versions, and one that comes too late. */
async function modelled(): Promise<Made> {
  const { page, site } = m;
  const churn = await approved(m, other, '流失倾向', 'model', { source: 'model', choices: ['高', '低'] });
  await test.step('a model writes scores with its own key; the page tells what came of it', async () => {
    await goTo(page, site, `/audience/tags/${churn.id}`);
    await until(page, '还没有写入过。');
    await looked(page, 'tag-model-empty');
    const write = await model(m, server, churn.id);
    const scores = people.map((p, i) => scored(m, p, (i * 37) % 100));
    expect(await write(1, scores)).toMatchObject({ written: 48, failed: 0 });
    expect(
      await write(
        2,
        people.slice(0, 30).map((p, i) => scored(m, p, (i * 29) % 100)),
      ),
    ).toMatchObject({ written: 30 });
    expect(await write(1, [scored(m, people[0] as Person, 5)])).toMatchObject({ written: 0, failed: 1 });
    server.wait(3); // it is counted again after two minutes
    await counted(m, churn.id, 48);
    await page.reload();
    await expect(card(page, '人数')).toContainText('48');
    const feed = part(page, '写入得分');
    await expect(feed.getByRole('row').filter({ hasText: '已有更新版本 1' })).toContainText('18');
    await expect(page.getByLabel('“流失倾向”各分数段的人数')).toBeVisible();
    await until(page, '得分');
    await page
      .getByRole('button', { name: /为什么有$/ })
      .first()
      .click();
    await until(page, /模型第 \d 版，得分 \d+/);
    await looked(page, 'tag-model');
  });
  return churn;
}

/** A colleague gives a tag by hand to one member, for some days, and takes it back. */
async function byHand(): Promise<Made & { member: string }> {
  const { page, site } = m;
  const care = await approved(
    m,
    other,
    '孕期关怀',
    'fact',
    { source: 'manual', choices: ['孕期', '哺乳期'] },
    {
      sensitive: true,
      roles: ['operations'],
      ttl_days: 30,
      class: 'basic',
    },
  );
  const [one] = await get<{ person_id: string }[]>(
    m,
    `/tags/${(await get<{ id: string }[]>(m, `/tags?brand_id=${m.brand}&kind=rule`))[0]?.id}/people`,
  );
  const member = one?.person_id ?? '';
  await test.step('a tag is given by hand for five days, with a reason, and can be undone', async () => {
    await goTo(page, site, `/members/${member}?tab=tags`);
    const given = { name: '孕期关怀', value: '孕期' };
    await give(page, { ...given, reason: '本人来电说明' });
    await page.getByRole('button', { name: /撤销$/ }).click();
    await until(page, '已撤销');
    await expect(page.getByRole('link', { name: '孕期关怀' })).toHaveCount(0);
    const end = wall(new Date(server.now().getTime() + 5 * 86_400_000));
    await give(page, { ...given, reason: '再次来电确认', end });
    const row = page.getByRole('row').filter({ hasText: '孕期关怀' });
    await expect(row).toContainText('再次来电确认');
    await expect(row).toContainText(end.slice(0, 10));
    await looked(page, 'tag-member');
  });
  return { ...care, member };
}

type All = { bought: Made; churn: Made; care: Made & { member: string } };

/** What is there is found again, with what it is made of and what hangs on it. */
async function found({ bought, churn, care }: All): Promise<void> {
  const { page, site } = m;
  await used(m, other, bought, churn);

  await test.step('search and tree', async () => {
    await goTo(page, site, '/audience/tags');
    await looked(page, 'tag-list');
    await page.getByLabel('名称、用途或取值').fill('护理液客户');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('link', { name: bought.name })).toBeVisible();
    await expect(page.getByRole('link', { name: churn.name })).toHaveCount(0);
    await page.getByLabel('名称、用途或取值').fill('没有这样的标签');
    await page.keyboard.press('Enter');
    await until(page, '没有');
    await look(page, 'tag-list-none');
    await goTo(page, site, '/audience/tags');
    await page
      .getByRole('region', { name: '标签树' })
      .getByText(/^消费行为/)
      .click();
    await expect(page.getByRole('link', { name: bought.name })).toBeVisible();
    await expect(page.getByRole('link', { name: care.name })).toHaveCount(0);
    await look(page, 'tag-list-class');
  });

  await test.step('what breaks when it changes; related tags; why somebody has it and somebody not', async () => {
    await goTo(page, site, `/audience/tags/${bought.id}`);
    const lineage = part(page, '血缘');
    await expect(lineage).toContainText('改动会影响 2 处正在使用它的地方');
    await expect(lineage.getByRole('link', { name: '值得挽留' })).toBeVisible();
    await expect(lineage.getByRole('link', { name: '本月回访' })).toBeVisible();
    await page.getByRole('button', { name: /下线$/ }).click();
    await dialog(page).getByLabel('原因').fill('不用了');
    await dialog(page)
      .getByLabel(/请输入/)
      .fill(bought.name);
    complain.allow(/409 POST .*\/retire|status of 409/);
    await dialog(page).getByRole('button', { name: /下线$/ }).click();
    await until(page, /还有人群、触达或标签在用它/);
    await look(page, 'tag-in-use');
    await dialog(page).getByRole('button', { name: '取消' }).click();
    server.wait(3);
    await counted(m, bought.id, 41);
    await page.reload();
    await expect(card(page, '人数')).toContainText('41');
    await expect(part(page, '相关标签').getByRole('row').filter({ hasText: churn.name })).toBeVisible();
    await expect(part(page, '操作记录')).toContainText('下线标签');
    await expect(part(page, '操作记录')).not.toContainText('tag_in_use');
    await page.getByLabel('会员编号').fill(care.member);
    await page.getByRole('button', { name: /查询$/ }).click();
    await expect(page.getByRole('status').getByText('符合').first()).toBeVisible();
    await looked(page, 'tag-detail');
  });
}

/** A tag for some roles is not there for others: not in the list, nor by its address. */
async function hidden(support: Page, care: Made & { member: string }): Promise<void> {
  await test.step('who may not see a tag does not find it', async () => {
    await goTo(support, m.site, '/audience/tags');
    await expect(support.getByRole('link', { name: '流失倾向' })).toBeVisible();
    await expect(support.getByText(care.name)).toHaveCount(0);
    await look(support, 'tag-support-list');
    const hits = await searched(support, '倾向');
    await expect(hits.filter({ hasText: '流失倾向' })).toBeVisible();
    await look(support, 'tag-search');
    await support.getByRole('combobox', { name: '全局搜索' }).fill(care.name);
    await until(support, /没有找到/);
    await support.keyboard.press('Escape');
    await goTo(support, m.site, `/members/${care.member}?tab=tags`);
    await expect(support.getByRole('link', { name: '近期买过护理液' })).toBeVisible();
    await expect(support.getByText(care.name)).toHaveCount(0);
    await look(support, 'tag-support-member');
  });
}

/** Who may open no member's page reads of few that they are few, in charts too. */
async function veiled(page: Page, churn: Made): Promise<void> {
  await test.step('few people are "fewer than five", not none', async () => {
    await goTo(page, m.site, `/audience/tags/${churn.id}`);
    await expect(part(page, '写入得分')).toContainText('少于 5');
    await expect(part(page, '取值分布')).toContainText('少于 5');
    await looked(page, 'tag-veiled');
  });
}

/** Days go by: what was given for some days is gone, what nobody uses proposes its end. */
async function ended({ bought, care }: All, ...pages: Page[]): Promise<void> {
  const { page, site } = m;
  // Nobody's page asks while his session ends.
  for (const p of pages) await p.goto('about:blank');
  server.wait(9 * 24 * 60);
  await enter(page, site, operator);
  await enter(other, site, second);

  await test.step('a value ends with its time', async () => {
    await expect
      .poll(async () => (await get<{ name: string }[]>(m, `/members/${care.member}/tags`)).map((h) => h.name), {
        timeout: 60_000,
      })
      .not.toContain(care.name);
    await goTo(page, site, `/members/${care.member}?tab=tags`);
    await expect(page.getByRole('link', { name: bought.name })).toBeVisible();
    await expect(page.getByRole('link', { name: care.name })).toHaveCount(0);
  });

  await test.step('what nobody uses proposes its own end: one is kept, one goes', async () => {
    await expect
      .poll(async () => (await get<unknown[]>(m, `/tags?brand_id=${m.brand}&proposed=1`)).length, { timeout: 90_000 })
      .toBe(1);
    await goTo(page, site, '/audience/tags');
    await page.getByRole('link', { name: /个标签很久没人用，建议下线/ }).click();
    await expect(page.getByRole('link', { name: care.name })).toBeVisible();
    await expect(page.getByRole('link', { name: bought.name })).toHaveCount(0);
    await looked(page, 'tag-list-proposed');
    await page.getByRole('link', { name: care.name }).click();
    await until(page, /起没有人群、触达或别的标签用它/);
    await looked(page, 'tag-proposed');
    await page.getByRole('button', { name: /复核$/ }).click();
    await look(page, 'tag-review');
    await dialog(page).getByRole('button', { name: '确认' }).click();
    await until(page, '已复核');
    await expect(page.getByText('建议下线')).toHaveCount(0);
    const idle = await approved(m, other, '临时标记', 'fact', { source: 'manual' });
    await goTo(other, site, `/audience/tags/${idle.id}`);
    await other.getByRole('button', { name: /下线$/ }).click();
    await dialog(other).getByLabel('原因').fill('活动已经结束');
    await dialog(other)
      .getByLabel(/请输入/)
      .fill(idle.name);
    await look(other, 'tag-retire');
    await dialog(other).getByRole('button', { name: /下线$/ }).click();
    await expect(other.getByText('已下线').first()).toBeVisible();
    await expect(other.getByRole('button', { name: /下线$/ })).toHaveCount(0);
    await looked(other, 'tag-retired');
  });
}

/** The people who are left alone: changed with a reason that stays. */
async function leftAlone(): Promise<void> {
  const { page, site } = m;
  await test.step('control groups are changed with a reason', async () => {
    await goTo(page, site, '/pushes/holdout');
    await looked(page, 'tag-holdout');
    await page.getByRole('button', { name: /修改$/ }).click();
    await dialog(page).getByLabel('全局对照组').fill('5');
    await dialog(page).getByLabel('原因').fill('先留百分之五看增量');
    await look(page, 'tag-holdout-change');
    await dialog(page).getByRole('button', { name: '保存' }).click();
    await expect(page.getByRole('row').filter({ hasText: '先留百分之五看增量' })).toContainText('5%');
    await until(page, /5%（≈ \d+ 人）/);
    await looked(page, 'tag-holdout-done');
  });
}
