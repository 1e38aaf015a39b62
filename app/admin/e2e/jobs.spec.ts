// Long jobs as an operator meets them: a list is taken out with a reason, the bell rings
// wherever he is, the file is fetched and counted; everything is found by one field.
import { accessible, api, expect, goTo, test } from './test';

/** barcode is an EAN-13 that no other run has. */
function barcode(): string {
  const body = `690${String(Date.now()).slice(-9)}`;
  const sum = [...body].reduce((n, d, i) => n + Number(d) * (i % 2 ? 3 : 1), 0);
  return `${body}${(10 - (sum % 10)) % 10}`;
}

test('a list is taken out, ends in the job centre and is fetched as many times as allowed', async ({
  desk,
  site,
  complaints,
}) => {
  await goTo(desk, site, '/settings/audit');
  await desk.getByRole('button', { name: '导出' }).click();
  const ask = desk.getByRole('dialog');
  await expect(ask).toContainText('手机号已脱敏');
  await ask.getByRole('button', { name: '开始导出' }).click();
  await expect(ask.getByText('请填写原因')).toBeVisible();
  await ask.getByLabel('原因').fill('年度审计');
  // A line that is gone is said at once; what was clicked then is not sent later by itself.
  complaints.allow(/ERR_INTERNET_DISCONNECTED/);
  const before = await api<unknown[]>(desk, site, 'GET', '/jobs?limit=100');
  await desk.context().setOffline(true);
  await ask.getByRole('button', { name: '开始导出' }).click();
  await expect(ask.getByText('连不上服务器，请检查网络后重试')).toBeVisible();
  await desk.context().setOffline(false);
  await desk.waitForResponse((r) => r.ok() && r.url().includes('/jobs/summary'), { timeout: 60_000 });
  expect(await api<unknown[]>(desk, site, 'GET', '/jobs?limit=100')).toHaveLength(before.length);
  await ask.getByRole('button', { name: '开始导出' }).click();
  await expect(desk.getByText('正在导出操作记录')).toBeVisible();

  await expect(desk.getByText('“导出操作记录”已完成')).toBeVisible({ timeout: 30_000 });
  await expect(desk.getByRole('button', { name: /^任务：0 个进行中，[1-9]\d* 个刚结束/ })).toBeVisible();
  await goTo(desk, site, '/jobs');
  await desk.getByRole('link', { name: '导出操作记录' }).first().click();
  await expect(desk.getByText('年度审计').first()).toBeVisible();
  await accessible(desk);

  const [file] = await Promise.all([desk.waitForEvent('download'), desk.getByRole('button', { name: '下载' }).click()]);
  expect(file.suggestedFilename()).toMatch(/^操作记录-\d{8}-\d{4}\.csv$/);
  const lines = (await (await file.createReadStream()).toArray()).join('').split('\r\n');
  expect(lines[0]).toBe('\ufeff编号,时间,操作人,IP,操作,对象,对象编号,变更前,变更后,原因,结果,请求编号');
  expect(lines[1]).toMatch(/^"=""\d+""",\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,/);
  await expect(desk.getByText('已下载 1 次，最多 3 次')).toBeVisible();
  await expect(desk.getByText('下载名单')).toBeVisible(); // its own trail

  await desk.reload();
  await expect(desk.getByText('已下载 1 次，最多 3 次')).toBeVisible();
});

test('everything is found by one field, by keys alone', async ({ desk, site }) => {
  const brands = await api<{ id: string }[]>(desk, site, 'GET', '/brands');
  const gtin = barcode();
  const product = await api<{ id: string }>(desk, site, 'POST', '/products', {
    brand_id: brands[0]?.id,
    gtin,
    name: '寻找得到的梅酒',
    spec: '',
  });
  await goTo(desk, site, '/jobs');
  await expect(desk.getByRole('button', { name: '全局搜索' })).toBeVisible();
  await desk.keyboard.press('Control+k');
  const field = desk.getByRole('combobox', { name: '全局搜索' });
  await expect(field).toBeFocused();
  await accessible(desk);
  await desk.keyboard.type('失败任务');
  await expect(desk.getByRole('option')).toHaveCount(1);
  // Full-width, as an input method writes it.
  await field.fill([...gtin].map((d) => String.fromCharCode(d.charCodeAt(0) + 0xfee0)).join(''));
  await expect(desk.getByRole('option', { name: /寻找得到的梅酒.*商品/ })).toBeVisible();
  await field.fill('寻找得到');
  await expect(desk.getByRole('option', { selected: true })).toContainText('寻找得到的梅酒');
  await desk.keyboard.press('Enter');
  await expect(desk).toHaveURL(new RegExp(`/goods/products/${product.id}`));
  await desk.keyboard.press('Control+k');
  await expect(field).toBeFocused();
  await desk.keyboard.press('Escape');
  await expect(field).toHaveCount(0);
});
