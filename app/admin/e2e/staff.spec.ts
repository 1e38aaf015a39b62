// A push that staff send by WeCom, stopped when one of them has pressed "send" and the other
// has not: what can be taken back is, and who got it has it.
import { randomBytes } from 'node:crypto';
import { draft, type Market, type Moved, market, settle, skewed } from './audiencekit';
import { type Person, Phone } from './crowd';
import { get, tell } from './deedskit';
import { dialog, look } from './pagekit';
import { operator } from './server';
import { accessible, api, enter, expect, goTo, test } from './test';

const corp_id = 'wwstaff00000000001';
const people = ['王芳', '李静', '赵敏'];
const name = '请员工介绍镜片';
const text = '镜片到店了，欢迎来试戴。';
const solution = '06901234567892';

const somebody = (name: string): Person => ({
  name,
  openid: '',
  profiling: true,
  marketing: true,
  walks: true,
  opened: 'wrote',
  bought: [solution],
});

/** corp is the brand's WeCom with two of the staff, their contacts among the people. */
async function corp(m: Market): Promise<string> {
  const secret = randomBytes(16).toString('hex');
  const token = randomBytes(8).toString('hex');
  const aes_key = randomBytes(32).toString('base64').slice(0, 43);
  const account = await api<{ id: string }>(m.page, m.site, 'PUT', `/brands/${m.brand}/accounts`, {
    kind: 'wecom',
    app_id: corp_id,
    name: '明眸企业微信',
    callback_slug: 'mingmou-wecom',
    secrets: { app_secret: secret, token, aes_key },
  });
  const staff = ['zhang', 'li'];
  await tell(m.sim, 'corps', { corp_id, name: '明眸', secret, token, aes_key, open_platform: 'audience', staff });
  for (const [userid, user] of [
    ['zhang', '王芳'],
    ['li', '李静'],
    ['li', '赵敏'],
  ])
    await tell(m.sim, 'corp/contact/add', { corp_id, staff: userid, user });
  await api(m.page, m.site, 'POST', `/accounts/${account.id}/sync`, { kind: 'contacts' });
  return account.id;
}

/** has tells whether the message is on a person's phone. */
async function has({ sim }: Market, user: string): Promise<boolean> {
  const r = await fetch(`${sim}/sim/api/chats?user=${encodeURIComponent(user)}`);
  return (await r.text()).includes(text);
}

test('what staff have not sent is taken back when their push is stopped', async ({ page, complaints }) => {
  test.setTimeout(600_000);
  const server: Moved = await skewed('staff');
  try {
    page.setDefaultTimeout(40_000);
    await enter(page, server.base, operator);
    const m = await market(page, server, { login: 'lin.pi', password: 'e2e-Sesam-2027' });
    await settle(m, people.map(somebody), () => 30, server.now());
    // A follower who logs in is known by what WeCom knows him by, too.
    for (const who of people) await new Phone(m, who).open(`/wx/login?to=${encodeURIComponent('/me/privacy')}`);
    const account_id = await corp(m);
    const contacts = () => get<{ member_id: string | null }[]>(m, `/accounts/${account_id}/contacts`);
    await expect.poll(async () => (await contacts()).filter((c) => c.member_id).length, { timeout: 60_000 }).toBe(3);
    const segment = await api<{ id: string }>(page, m.site, 'POST', '/segments', {
      brand_id: m.brand,
      name: '买过护理液',
      note: '',
      tree: { v: 1, root: { all: [{ did: { what: 'bought', op: 'gte', values: [1] } }] } },
    });
    type Numbers = { counts: { reason: string; state: string; n: number }[]; tasks: { back: string; n: number }[] };
    const { id } = await draft(m, segment.id, name, {
      uses: [{ channel: 'wecom', account_id, template_id: '' }],
      arms: [{ name: 'A', weight: 1, contents: [{ text, data: {}, link_no: 0 }] }],
    });
    const numbers = () => get<Numbers>(m, `/pushes/${id}/progress`);
    const cards = (state: string) =>
      numbers().then((x) => x.counts.filter((c) => c.state === state).reduce((all, c) => all + c.n, 0));
    await api(page, m.site, 'POST', `/pushes/${id}/start`, { version: 1, reason: '' });
    await goTo(page, m.site, `/pushes/${id}`);
    await expect(page.getByText(/2 个任务在员工的企业微信里/)).toBeVisible({ timeout: 60_000 });
    expect((await numbers()).counts.find((c) => c.reason === 'staff_waits')?.n).toBe(3);
    await look(page, 'staff-waits');
    await accessible(page);
    await tell(m.sim, 'corp/staff_sends', { corp_id, staff: 'zhang' });

    await page.getByRole('button', { name: '收回员工任务' }).click();
    await expect(dialog(page)).toContainText('会收回：2 个员工任务');
    await expect(dialog(page)).toContainText('收不回：员工已经点了“发送”的消息');
    await look(page, 'staff-stop');
    await dialog(page).getByLabel('原因').fill('价格写错了');
    await dialog(page).getByLabel(/输入/).fill(name);
    await dialog(page).getByRole('button', { name: '收回员工任务' }).click();
    await expect(page.getByText(/2 个员工任务已收回，正在核对/)).toBeVisible({ timeout: 60_000 });
    await look(page, 'staff-taken');
    server.wait(3);
    await expect.poll(() => cards('skipped'), { timeout: 60_000 }).toBe(2);
    expect(await cards('sent')).toBe(1);
    expect((await numbers()).tasks).toEqual([]);
    await expect(page.getByText('触达已停止，员工还没有点“发送”，任务已收回').first()).toBeVisible({ timeout: 60_000 });
    await expect(page.getByText(/人工停止：价格写错了/).first()).toBeVisible();
    await look(page, 'staff-stopped');
    await accessible(page);
    await tell(m.sim, 'corp/staff_sends', { corp_id, staff: 'li' });
    expect(await has(m, '王芳')).toBe(true);
    expect(await has(m, '李静'), 'nobody gets what was taken back').toBe(false);
    expect(complaints.list()).toEqual([]);
  } finally {
    await server.stop();
  }
});
