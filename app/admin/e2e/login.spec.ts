import type { Page } from '@playwright/test';
import { operator } from './server';
import { accessible, api, codeOf, enter, expect, goTo, test } from './test';

test('whoever is not logged in is asked to, and comes back to where he wanted to go', async ({ page, site }) => {
  await page.goto(`${site}/admin/account`);
  await expect(page).toHaveURL(/\/login\?to=%2Faccount/);
  await accessible(page);
  await page.getByLabel('登录名').fill(operator.login);
  await page.getByLabel('密码', { exact: true }).fill(operator.password);
  await page.getByRole('button', { name: '登录' }).click();
  await expect(page).toHaveURL(/\/admin\/account/);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('我的账号');
});

test('a wrong password says so and keeps the name', async ({ page, site, complaints }) => {
  complaints.allow(/401/);
  await page.goto(`${site}/admin/login`);
  await page.getByLabel('登录名').fill('nobody-here');
  await page.getByLabel('密码', { exact: true }).fill('wrong-password');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toContainText('登录名或密码');
  await expect(page.getByLabel('登录名')).toHaveValue('nobody-here');
});

test('logging out ends the session, and "back" shows nothing', async ({ desk, site }) => {
  await goTo(desk, site, '/');
  await goTo(desk, site, '/account');
  await desk.getByRole('button', { name: /我的账号/ }).click();
  await desk.getByRole('menuitem', { name: '退出登录' }).click();
  await expect(desk).toHaveURL(/\/admin\/login/);
  await desk.goBack();
  await expect(desk).toHaveURL(/\/admin\/login/);
});

test('a session that ends takes nothing away that is half filled in', async ({ desk, site, complaints }) => {
  await goTo(desk, site, '/goods/products');
  await desk.getByRole('button', { name: '新建商品' }).first().click();
  const form = desk.getByRole('dialog', { name: '新建商品' });
  await form.getByLabel('商品名称').fill('写了一半的商品');
  await form.getByLabel('商品条码').fill('6901234567'); // the server has words about it
  complaints.allow(/401|400/);
  await api(desk, site, 'POST', '/logout');
  await form.getByRole('button', { name: '保存' }).click();
  const again = desk.getByRole('dialog', { name: '登录已结束' });
  await expect(again.getByLabel('登录名')).toHaveValue(operator.login);
  await accessible(desk);
  await again.getByLabel('密码', { exact: true }).fill(operator.password);
  await again.getByRole('button', { name: '登录', exact: true }).click();
  await expect(again).toBeHidden();
  await expect(form.getByLabel('商品名称')).toHaveValue('写了一半的商品');
  await form.getByRole('button', { name: '保存' }).click();
  await expect(form.getByRole('alert').first()).toContainText('商品条码');
});

/** dialogWidths writes down how wide dialogs are, in every frame that is drawn from now on. */
async function dialogWidths(page: Page): Promise<() => Promise<number[]>> {
  const seen = await page.evaluateHandle(() => {
    const widths = new Set<number>();
    const look = () => {
      const box = document.querySelector('.ant-modal')?.getBoundingClientRect();
      if (box) widths.add(Math.round(box.width));
      requestAnimationFrame(look);
    };
    look();
    return widths;
  });
  return () => seen.evaluate((widths) => [...widths]);
}

test('with the second factor on, a password alone opens nothing', async ({ page, site, complaints, browser }) => {
  const boss = await browser.newPage();
  await enter(boss, site, operator);
  const who = { login: `totp-${Date.now()}`, password: 'Zwei-Schluessel-9' };
  await api(boss, site, 'POST', '/operators', { ...who, name: '双因子', roles: ['support'] });
  await boss.close();

  await enter(page, site, who);
  await goTo(page, site, '/account');
  const widths = await dialogWidths(page);
  await page.getByRole('button', { name: '开启两步验证' }).click();
  const dialog = page.getByRole('dialog');
  // It opens in place: one that grows is elsewhere for the second half of a quick click.
  await expect(dialog).toBeVisible();
  await expect(page.locator('.ant-modal')).not.toHaveClass(/-(appear|enter)/);
  expect(await widths()).toHaveLength(1);
  await dialog.getByLabel('密码').fill(who.password);
  await dialog.getByRole('button', { name: '下一步' }).click();
  await expect(dialog.getByRole('img', { name: '两步验证二维码' })).toBeVisible();
  const secret = (await dialog.getByText(/^[A-Z2-7]{32}$/).textContent()) ?? '';
  await dialog.getByLabel('应用显示的 6 位数字').fill(codeOf(secret));
  await dialog.getByRole('button', { name: '确认开启' }).click();
  await expect(dialog.locator('pre')).toHaveText(/^([a-z2-7]{4}-[a-z2-7]{4}-[a-z2-7]{4}\n?){10}$/);
  const recovery = ((await dialog.locator('pre').textContent()) ?? '').split('\n')[0] ?? '';
  await dialog.getByRole('button', { name: '我已保存' }).click();

  await page.getByRole('button', { name: /我的账号/ }).click();
  await page.getByRole('menuitem', { name: '退出登录' }).click();
  complaints.allow(/401/);
  await page.getByLabel('登录名').fill(who.login);
  await page.getByLabel('密码', { exact: true }).fill(who.password);
  await page.getByRole('button', { name: '登录' }).click();
  // The code of this half minute was used to turn it on: a recovery code stands in.
  await page.getByLabel('动态验证码').fill(recovery);
  await page.getByRole('button', { name: '登录' }).click();
  await expect(page).not.toHaveURL(/\/login/);
  await goTo(page, site, '/account');
  await expect(page.getByText('已开启，剩余 9 个备用码')).toBeVisible();
});
