// What operators do in eyecare.spec.ts, by eyes and fingers: a push is written in the wizard,
// tested, approved by another person and begun.
import type { Page } from '@playwright/test';
import { each, type Person } from './crowd';
import { asker, type Desk, get } from './deedskit';
import { checked, dialog, look, pick, shots } from './pagekit';
import { expect, goTo } from './test';

export const kindsOf = ['solution', 'lenses', 'neither'] as const;
export type Kind = (typeof kindsOf)[number];
/** titles of the segments and of the pushes to their people. */
export const segments: Record<Kind, string> = {
  solution: '只买护理液的客户',
  lenses: '只买镜片的客户',
  neither: '两样都没买的客户',
};

type Plan = { name: string; topic: string; text: string; mark: string; why: string };
/** plans are what the pushes say; mark is found in every copy. */
export const plans: Record<Kind, Plan> = {
  solution: {
    name: '护理液客户介绍镜片',
    topic: '镜片介绍',
    text: '{姓名|您}好，护理液用得还顺手吗？同一品牌的日抛镜片到店了，怎么选看这里：{链接1}',
    mark: '日抛镜片到店了',
    why: '您买过护理液，还没有试过镜片',
  },
  lenses: {
    name: '镜片客户护理液优惠',
    topic: '护理液优惠',
    text: '镜片要配好护理：本周护理液第二瓶八折，到店出示本消息即可。',
    mark: '第二瓶八折',
    why: '您买过镜片，还没有买过护理液',
  },
  neither: {
    name: '新朋友试用券',
    topic: '试用装',
    text: '送您一张护理试用券：到店出示本消息，领取一份旅行装。',
    mark: '护理试用券',
    why: '您关注了我们，还没有买过护理液和镜片',
  },
};

/** write makes a draft in the wizard and leaves it at the review; returns its id. */
export async function write({ page, site }: Desk, kind: Kind, template: string, shop: string): Promise<string> {
  const plan = plans[kind];
  const next = async (step: string) => {
    await page.getByRole('button', { name: '保存并下一步' }).click();
    await expect(page.locator('.ant-steps-item-active')).toContainText(step);
  };
  await goTo(page, site, '/pushes/new');
  await page.getByLabel('名称').fill(plan.name);
  await pick(page, page, '人群', new RegExp(`^${segments[kind]}`));
  await page.getByLabel('主题').fill(plan.topic);
  await expect(page.getByRole('list', { name: '人数逐步减少的过程' })).toBeVisible();
  await look(page, `eye-wizard-${kind}-who`);
  await next('内容');
  await page.getByRole('button', { name: '加一个渠道' }).click();
  await page.getByRole('menuitem', { name: /^客服消息/ }).click();
  if (kind === 'solution') {
    await page.getByRole('button', { name: '加一个渠道' }).click();
    await page
      .getByRole('menuitem', { name: /^订阅消息/ })
      .first()
      .click();
    const id = page.getByRole('combobox', { name: '模板编号' });
    if ((await id.inputValue()) === '') await id.fill(template);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: '加一个链接' }).click();
    await page.getByLabel('链接1的名称').fill('怎么选镜片');
    await page.getByLabel('网址').fill(shop);
    await page.getByRole('button', { name: '加一个字段' }).click();
    await page.getByLabel('字段', { exact: true }).fill('thing1');
    await page.getByRole('textbox', { name: '内容', exact: true }).fill(plan.mark);
    await pick(page, page, '点开后打开', '链接1');
  }
  await page.getByRole('textbox', { name: '客服消息' }).fill(plan.text);
  await look(page, `eye-wizard-${kind}-what`);
  await next('时间');
  // Slowly enough that somebody can look at it before all is sent.
  if (kind === 'solution') await page.getByLabel('每秒条数').fill('15');
  await next('对照组');
  await page.getByLabel('本次留白').fill('10');
  await page.getByLabel('“为什么收到”').fill(plan.why);
  await look(page, `eye-wizard-${kind}-control`);
  await next('核对');
  await expect(page.getByText(/须.*审批/).first()).toBeVisible();
  await look(page, `eye-wizard-${kind}-review`);
  if (kind === 'solution') await checked(page);
  return /\/pushes\/(\d+)\//.exec(page.url())?.[1] ?? '';
}

/** sendTest sends to the white list, from the review. */
export async function sendTest(page: Page, kind: Kind): Promise<void> {
  await pick(page, page, '发给', '小林的手机');
  await page.getByRole('button', { name: '发送测试' }).click();
  await expect(page.getByRole('row', { name: /小林的手机.*已发送/ })).toBeVisible({ timeout: 30_000 });
  await look(page, `eye-test-${kind}`);
}

export async function submit(page: Page): Promise<void> {
  await page.getByRole('button', { name: '提交审批' }).click();
  await dialog(page).getByRole('button', { name: '提交审批' }).click();
  await expect(page).toHaveURL(/\/pushes\/\d+$/);
  await expect(page.getByText('待审批').first()).toBeVisible();
}

/** approve is the second person, who reads it first. */
export async function approve(page: Page, site: string, push: string, kind?: Kind): Promise<void> {
  await goTo(page, site, `/pushes/${push}`);
  if (kind) {
    await expect(page.getByText(plans[kind].mark).first()).toBeVisible();
    await look(page, `eye-approve-${kind}`);
  }
  await page.getByRole('button', { name: '批准', exact: true }).click();
  await dialog(page).getByRole('button', { name: '批准', exact: true }).click();
  await expect(page.getByText('已批准，等人点')).toBeVisible();
}

export async function begin(page: Page, site: string, push: string): Promise<void> {
  await goTo(page, site, `/pushes/${push}`);
  await page.getByRole('button', { name: '现在开始' }).click();
  await dialog(page).getByRole('button', { name: '现在开始' }).click();
  await expect(page.getByText('发送进度')).toBeVisible();
}

/** everybody is who has which number, by what WeChat calls him. */
export async function everybody(desk: Desk, all: readonly Person[]): Promise<Map<Person, string>> {
  const ask = await asker(desk);
  const out = new Map<Person, string>();
  await each(all, async (p) => {
    const found = await ask<{ id: string }[]>(`/members?openid=${encodeURIComponent(p.openid)}`);
    expect(found, p.name).toHaveLength(1);
    out.set(p, found[0]?.id ?? '');
  });
  return out;
}

/** those are whose copies are in one state. */
export async function those(
  desk: Desk,
  push: string,
  state: string,
  members: Map<Person, string>,
): Promise<Set<Person>> {
  const of = new Map([...members].map(([p, id]) => [id, p]));
  const out = new Set<Person>();
  for (let after = ''; ; ) {
    const at = `/pushes/${push}/deliveries?state=${state}&limit=100${after && `&after=${after}`}`;
    const part = await get<{ id: string; member_id: string }[]>(desk, at);
    for (const d of part) out.add(of.get(d.member_id) as Person);
    if (part.length < 100) return out;
    after = part.at(-1)?.id ?? '';
  }
}

export const count = (some: Set<Person>, among: readonly Person[]): number => among.filter((p) => some.has(p)).length;

/** picture keeps what a phone shows, as it stands. */
export async function picture(page: Page, name: string): Promise<void> {
  const to = shots();
  if (!to) return;
  for (const [width, height] of [
    [375, 812],
    [1280, 800],
  ] as const) {
    await page.setViewportSize({ width, height });
    await page.waitForTimeout(300); // what slides in
    await page.screenshot({ path: `${to}/${name}-${width}.png` });
  }
}
