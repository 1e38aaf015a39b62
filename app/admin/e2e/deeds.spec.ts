// Deeds that operators do seldom and that change much: each is clicked through in the
// panel of the real program, and what came of it is read in the page and from the API.
import { readFileSync } from 'node:fs';
import {
  advice,
  brings,
  chore,
  type Desk,
  get,
  groupQR,
  groupQRText,
  number,
  order,
  partner,
  pays,
  people,
  review,
  tell,
  tree,
  undone,
} from './deedskit';
import { confirm, dialog, look } from './pagekit';
import { operator, type Server, start } from './server';
import { accessible, api, enter, expect, goTo, test } from './test';

test.describe.configure({ timeout: 300_000 }); // each walks over several pages

// A program of their own: other specs count jobs and members.
let server: Server;
test.beforeAll(async () => {
  server = await start('demo', 'deeds');
});
test.afterAll(async () => {
  await server.stop();
});

let at: Desk;
test.beforeEach(async ({ page }) => {
  const { base: site, sim } = server;
  await enter(page, site, operator);
  const [brand] = await api<{ id: string }[]>(page, site, 'GET', '/brands');
  at = { page, site, sim, brand: brand?.id ?? '' };
});

test('who leaves hands his people over, and one of them gets another referrer', async ({ page }) => {
  const { site } = at;
  const [left = '', one = '', two = '', heir = ''] = await people(at, [number(), number(), number(), number()]);
  await brings(at, left, one, two);
  const { node } = await tree(at, left);
  await goTo(page, site, `/leaders/tree?member=${left}`);
  await page.getByRole('button', { name: '离任交接' }).click();
  const ask = dialog(page);
  await expect(ask).toContainText('直属 2 人');
  const sure = ask.getByRole('button', { name: '确认' });
  await expect(sure).toBeDisabled(); // his name is not typed
  await ask.getByLabel('接手人', { exact: true }).fill(heir);
  await ask.getByLabel('原因').fill('离职');
  await ask.getByLabel(/^此操作不能撤销/).fill(node.who.name);
  await look(page, 'hand-over');
  await accessible(page);
  await sure.click();
  await expect(page.getByText('已转移 2 人，0 人保留原位')).toBeVisible();
  await expect(page.getByText('他还没有推荐过人')).toBeVisible();
  expect((await tree(at, left)).node.direct).toBe(0);
  expect((await tree(at, heir)).node).toMatchObject({ direct: 2, team_size: 2 });

  await goTo(page, site, `/leaders/tree?member=${one}`);
  await page.getByRole('button', { name: '更换推荐人' }).click();
  await expect(dialog(page)).toContainText('整体随迁');
  await dialog(page).getByRole('button', { name: '确认' }).click();
  await expect(dialog(page).getByText('请填写原因')).toBeVisible();
  await look(page, 'rebind');
  await dialog(page).getByLabel('新推荐人', { exact: true }).fill(left);
  await confirm(page, '登记时写错了人');
  await expect(page.getByText('已更换推荐人')).toBeVisible();
  await expect(page.locator('nav').getByRole('link', { name: node.who.name })).toBeVisible();
  expect((await tree(at, one)).node.parent_id).toBe(left);
  expect((await tree(at, heir)).node.direct).toBe(1);
  await goTo(page, site, '/leaders/tree?tab=bindings');
  await expect(page.getByRole('row', { name: /登记时写错了人/ }).first()).toBeVisible();
  await look(page, 'bindings');
});

test('a team is taken out, and its file comes from the job centre', async ({ page }) => {
  const { site } = at;
  const [head = '', one = '', two = ''] = await people(at, [number(), number(), number()]);
  await brings(at, head, one);
  await brings(at, one, two);
  await goTo(page, site, `/leaders/tree?member=${head}`);
  await look(page, 'tree');
  await page.getByRole('button', { name: '导出团队名单' }).click();
  await expect(dialog(page)).toContainText('他本人和团队 2 人');
  await dialog(page).getByLabel('原因').fill('线下活动邀请');
  await look(page, 'tree-export');
  await dialog(page).getByRole('button', { name: '确认' }).click();
  await expect(page.getByText(/已开始导出/)).toBeVisible();
  await goTo(page, site, '/jobs?source=team');
  const row = page.getByRole('row', { name: /团队名单/ });
  await expect(row).toContainText('已完成', { timeout: 30_000 });
  await row.getByRole('link', { name: '团队名单' }).click();
  await expect(page.getByText('线下活动邀请').first()).toBeVisible();
  await expect(page.getByText('共 3 人')).toBeVisible();
  await look(page, 'job-team');
  await accessible(page);
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: '下载' }).click()]);
  const lines = readFileSync(await file.path(), 'utf8')
    .trimEnd()
    .split('\n');
  expect(lines[0]?.startsWith('\ufeff')).toBe(true);
  expect(lines).toHaveLength(1 + 3);
  await goTo(page, site, '/leaders/tree?tab=exports');
  await expect(page.getByRole('row', { name: /线下活动邀请/ }).getByRole('link', { name: '下载 CSV' })).toBeVisible();
  await look(page, 'tree-exports');
});

test('a file of old customers is tried, brought in and taken back', async ({ page }) => {
  const { site } = at;
  const [a, b] = [number(), number()];
  await goTo(page, site, '/members/imports');
  await page.getByRole('button', { name: '导入老会员' }).first().click();
  await look(page, 'import-upload');
  await dialog(page)
    .locator('input[type=file]')
    .setInputFiles({ name: '天猫会员.csv', mimeType: 'text/csv', buffer: Buffer.from(`手机\n${a}\n${b}\n12345\n`) });
  await dialog(page).getByLabel('名称').fill('天猫老会员');
  await dialog(page).getByLabel('来源').fill('tmall');
  await dialog(page).getByRole('button', { name: '上传' }).click();
  await expect(page).toHaveURL(/\/members\/imports\/\d+$/);
  const id = new URL(page.url()).pathname.split('/').at(-1) ?? '';
  await expect(page.getByRole('combobox', { name: '“手机”对应为' })).toBeVisible();
  await look(page, 'import-mapping');
  await page.getByRole('combobox', { name: '“手机”对应为' }).click();
  await page.locator('.ant-select-dropdown:visible').getByText('手机号', { exact: true }).click();
  await page.getByRole('button', { name: '试运行', exact: true }).click();
  await page.getByRole('button', { name: '开始导入' }).click({ timeout: 30_000 });
  await expect(dialog(page)).toContainText('开始导入 2 行');
  await look(page, 'import-run');
  await dialog(page).getByRole('button', { name: '开始导入' }).click();
  await expect(page.getByRole('button', { name: '撤销导入' })).toBeVisible({ timeout: 30_000 });
  await look(page, 'import-done');
  const [bad] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: /出错的行/ }).click(),
  ]);
  expect(readFileSync(await bad.path(), 'utf8')).toContain('12345,原第 4 行 手机：手机号格式不对');
  expect(await get<unknown[]>(at, `/members?phone=${a}`)).toHaveLength(1);

  await page.getByRole('button', { name: '撤销导入' }).click();
  const sure = dialog(page).getByRole('button', { name: '撤销导入' });
  await expect(sure).toBeDisabled();
  await dialog(page)
    .getByLabel(/^此操作不能撤销/)
    .fill('天猫老会员');
  await look(page, 'import-undo');
  await sure.click();
  await expect(page.getByText('已撤销', { exact: true }).first()).toBeVisible({ timeout: 30_000 });
  await look(page, 'import-undone');
  await accessible(page);
  expect((await get<{ state: string }>(at, `/imports/${id}`)).state).toBe('undone');
  expect(await get<unknown[]>(at, `/members?phone=${a}`)).toHaveLength(0);
});

test("a partner's event that could not be stored is mended and counts", async ({ page }) => {
  const { site } = at;
  const phone = number();
  const [member] = await people(at, [phone]);
  const report = await partner(at);
  const [taken] = await report('/events', { events: [review(phone, 9)] });
  expect(taken?.status).toBe('dead');
  await goTo(page, site, '/members/letters');
  const row = page.getByRole('row', { name: new RegExp(`review-${phone}`) });
  await expect(row).toContainText('待处理');
  await look(page, 'letters');
  await row.getByRole('button', { name: '改正并重放' }).click();
  const body = dialog(page).getByLabel('内容（JSON）');
  await body.fill((await body.inputValue()).replace('9', '5'));
  await dialog(page).getByLabel('原因').fill('五星制，合作方写成了十分制');
  await look(page, 'letter');
  await accessible(page);
  await dialog(page).getByRole('button', { name: '改正并重放' }).click();
  await expect(row).toContainText('已重放');
  await expect(row.getByRole('button', { name: '改正并重放' })).toHaveCount(0);
  const timeline = await get<{ type: string }[]>(at, `/members/${member}/timeline?types=review`);
  expect(timeline).toHaveLength(1);
});

test('a commission that was not earned is clawed back', async ({ page }) => {
  const { site, brand } = at;
  const phone = number();
  const [earner = '', buyer = ''] = await people(at, [number(), phone]);
  await brings(at, earner, buyer);
  await pays(at);
  const report = await partner(at);
  const [taken] = await report('/orders', { orders: [order(phone, 10_000)] });
  expect(taken?.status).toBe('stored');
  type Accrual = { id: string; amount: number; clawed: number; state: string };
  const list = () => get<Accrual[]>(at, `/commission/accruals?brand_id=${brand}&earner_id=${earner}`);
  await expect.poll(async () => (await list()).length, { timeout: 30_000 }).toBe(1);

  await goTo(page, site, `/leaders/commission?earner_id=${earner}`);
  await page.getByRole('row', { name: /5\.00/ }).getByRole('link').first().click();
  await look(page, 'accrual');
  await page.getByRole('button', { name: '追回' }).click();
  await expect(dialog(page)).toContainText('¥5.00');
  await dialog(page).getByLabel('原因').fill('自买自卖，已核实');
  await look(page, 'claw');
  await dialog(page).getByRole('button', { name: '确认' }).click();
  await expect(page.getByText('已追回').first()).toBeVisible();
  await expect(page.getByRole('row', { name: /5\.00 自买自卖/ })).toBeVisible();
  await expect(page.getByRole('button', { name: '追回', exact: true })).toHaveCount(0);
  await look(page, 'accrual-clawed');
  await accessible(page);
  expect((await list())[0]).toMatchObject({ amount: 500, clawed: 500, state: 'clawed' });
});

test('WeCom: groups and contacts come in, a join code is made and shown', async ({ page }) => {
  const { site, sim } = at;
  const corp_id = 'wwdeadbeef00000003';
  const corps = (await (await fetch(`${sim}/sim/api/corps`)).json()) as {
    data: { corp_id: string; chats: { chat_id: string }[] }[];
  };
  const chat_id = corps.data.find((c) => c.corp_id === corp_id)?.chats[0]?.chat_id ?? '';
  await tell(sim, 'corp/contact/add', { corp_id, staff: 'xiaowang', user: '小甲' });
  await tell(sim, 'corp/contact/add', { corp_id, staff: 'xiaoli', user: '小乙' });
  await tell(sim, 'corp/chat/join', { corp_id, chat_id, users: ['小甲', '小丙'] });
  await goTo(page, site, '/leaders/wecom');
  for (const what of ['客户群', '外部联系人']) {
    await page.getByRole('button', { name: `同步${what}` }).click();
    await dialog(page).getByRole('button', { name: '确认' }).click();
    await expect(page.getByRole('row', { name: new RegExp(what) }).first()).toContainText('已完成', {
      timeout: 30_000,
    });
  }
  await look(page, 'wecom-sync');
  await page.getByRole('tab', { name: '客户群' }).click();
  await expect(page.getByRole('row', { name: /xiaowang/ })).toContainText('3');
  await look(page, 'wecom-chats');
  await page.getByRole('tab', { name: '外部联系人' }).click();
  await expect(page.getByRole('row', { name: /xiaoli/ })).toBeVisible();
  await expect(page.getByRole('row', { name: /xiaowang/ })).toBeVisible();
  await look(page, 'wecom-contacts');
  await accessible(page);

  await page.getByRole('tab', { name: '群活码' }).click();
  await page.getByRole('button', { name: '新建群活码' }).first().click();
  await dialog(page).getByLabel('名称').fill('门店福利群');
  await dialog(page).getByRole('combobox', { name: '客户群' }).click();
  await page
    .locator('.ant-select-dropdown:visible')
    .getByText(/xiaowang/)
    .click();
  await page.keyboard.press('Escape');
  await look(page, 'wecom-way-form');
  await dialog(page).getByRole('button', { name: '保存' }).click();
  const row = page.getByRole('row', { name: /门店福利群/ });
  await expect(row).toContainText('可用', { timeout: 30_000 });
  await look(page, 'wecom-ways');
  await row.getByRole('button', { name: '显示“门店福利群”的二维码' }).click();
  await expect(page.getByRole('img', { name: '“门店福利群”的入群二维码' })).toBeVisible();
  await look(page, 'wecom-way-code');
  await accessible(page);
  const [account] = (await get<{ id: string; kind: string }[]>(at, `/brands/${at.brand}/accounts`)).filter(
    (a) => a.kind === 'wecom',
  );
  const [way] = await get<{ join_url: string }[]>(at, `/accounts/${account?.id}/ways`);
  expect(way?.join_url).toMatch(/^https:\/\/work\.weixin\.qq\.com\/gm\//);
});

test("a group's new code goes in by its picture, and a live code leads there", async ({ page }) => {
  const { site, brand } = at;
  const group = await api<{ id: string }>(page, site, 'POST', '/groups', { brand_id: brand, name: '城南厨友群' });
  await goTo(page, site, `/leaders/groups/${group.id}`);
  await page.getByRole('button', { name: '上传二维码' }).click();
  await dialog(page)
    .locator('input[type=file]')
    .setInputFiles({ name: '群二维码.png', mimeType: 'image/png', buffer: groupQR });
  await look(page, 'group-qr');
  await accessible(page);
  await dialog(page).getByRole('button', { name: '保存' }).click();
  await expect(page.getByText('二维码已更新')).toBeVisible();
  await expect(page.getByText(groupQRText)).toBeVisible();
  await look(page, 'group');
  const { qr } = await get<{ qr: string }>(at, `/groups/${group.id}`);
  expect(qr).toBe(groupQRText);

  await goTo(page, site, '/leaders/live-codes');
  await page.getByRole('button', { name: '新建活码' }).first().click();
  await dialog(page).getByLabel('名称').fill('城南门店海报');
  await dialog(page).getByRole('combobox', { name: '第 1 个群' }).click();
  await page.locator('.ant-select-dropdown:visible').getByText('城南厨友群').click();
  await look(page, 'live-code-form');
  await dialog(page).getByRole('button', { name: '保存' }).click();
  await expect(page).toHaveURL(/\/leaders\/live-codes\/\d+/);
  await expect(page.getByRole('row', { name: /城南厨友群/ })).toContainText('发放中');
  await expect(page.getByRole('img', { name: '“城南门店海报”的活码图片' })).toBeVisible();
  await look(page, 'live-code');
});

test('of two people at one draft the second is told, and nothing of either is lost', async ({ page, complaints }) => {
  const { site, brand } = at;
  const draft = { brand_id: brand, name: '两人同改', rules: '', tiers: [], scopes: [] };
  const made = await api<{ id: string; version: number }>(page, site, 'POST', '/campaigns', draft);
  const now = () => get<{ name: string; rules: string }>(at, `/campaigns/${made.id}`);
  await goTo(page, site, `/campaigns/${made.id}/edit`);
  const name = page.getByLabel('活动名称');
  await name.fill('我的名称');
  await api(page, site, 'PUT', `/campaigns/${made.id}`, { ...draft, rules: '同事的规则', version: made.version });
  complaints.allow(/409/);
  const save = page.getByRole('button', { name: '保存草稿' });
  await save.click();
  const told = page.getByRole('alert').filter({ hasText: '没有保存，以免盖掉对方的修改' });
  await expect(told).toContainText('活动名称、活动规则');
  await expect(name).toHaveValue('我的名称');
  await look(page, 'clash');
  await told.getByRole('button', { name: '用对方的内容' }).click();
  await expect(name).toHaveValue('两人同改');
  await name.fill('合好的名称');
  await save.click();
  await expect.poll(now).toMatchObject({ name: '合好的名称', rules: '同事的规则' });
});

test('what can be taken back is taken back from the notice that says it is done', async ({ page }) => {
  const { site, brand } = at;
  const [material, task] = [await advice(at), await chore(at)];
  const [live] = await get<{ id: string; name: string }[]>(at, `/live-codes?brand_id=${brand}`);
  const accounts = await get<{ id: string; kind: string }[]>(at, `/brands/${brand}/accounts`);
  const official = accounts.find((a) => a.kind === 'official')?.id;
  await api(page, site, 'PUT', `/accounts/${official}/keywords`, {
    keyword: '红包',
    match_kind: 'exact',
    reply: '扫瓶身的码',
    reason: '',
  });
  await goTo(page, site, '/leaders/work?tab=materials');
  await undone(
    page,
    'material',
    async () =>
      (await get<{ id: string; state: string }[]>(at, `/leader-materials?brand_id=${brand}`)).find(
        (m) => m.id === material.id,
      )?.state,
    async () => {
      await page
        .getByRole('row', { name: /验真话术/ })
        .getByRole('button', { name: '撤下' })
        .click();
      await confirm(page);
    },
    '已撤下',
  );
  await goTo(page, site, '/leaders/work');
  await undone(
    page,
    'task',
    async () => (await get<{ task: { state: string } }>(at, `/leader-tasks/${task.id}`)).task.state,
    async () => {
      await page
        .getByRole('row', { name: /讲讲验真/ })
        .getByRole('button', { name: '结束' })
        .click();
      await confirm(page);
    },
    '已结束',
  );
  await goTo(page, site, `/leaders/live-codes/${live?.id}`);
  await undone(
    page,
    'live-code',
    async () => (await get<{ state: string }>(at, `/live-codes/${live?.id}`)).state,
    async () => {
      await page.getByRole('button', { name: '暂停' }).click();
      await confirm(page, '换海报');
    },
    '已暂停',
  );
  await goTo(page, site, '/settings/replies');
  await undone(
    page,
    'keyword',
    async () =>
      (await get<{ keyword: string; reply: string }[]>(at, `/accounts/${official}/keywords`)).map(
        (k) => `${k.keyword} ${k.reply}`,
      ),
    async () => {
      await page.getByRole('row', { name: /红包/ }).getByRole('button', { name: '删除' }).click();
      await confirm(page);
    },
    '已删除',
  );
  await goTo(page, site, '/settings/quiet');
  await undone(
    page,
    'quiet-hours',
    async () => {
      const q = await get<{ from_minute: number; until_minute: number }>(at, `/brands/${brand}/quiet-hours`);
      return [q.from_minute, q.until_minute];
    },
    async () => {
      await page.getByRole('switch').click();
      await page.getByRole('button', { name: '保存' }).click();
    },
    '已保存',
  );
  await goTo(page, site, '/leaders/tree?tab=policy');
  await undone(
    page,
    'rules',
    async () => (await get<{ protect_days: number }>(at, `/brands/${brand}/referral-policy`)).protect_days,
    async () => {
      await page.getByRole('spinbutton', { name: '保护期' }).fill('7');
      await page.getByLabel('原因').fill('旺季');
      await page.getByRole('button', { name: '保存' }).click();
    },
    '已保存',
  );
});
