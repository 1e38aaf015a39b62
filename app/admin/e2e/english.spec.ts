// The whole panel in English: every page of the menu and one page of each kind that the menu
// does not lead to. What the panel says itself is English; what people typed stays as typed.
import type { Page } from '@playwright/test';
import { barriers, cut, Reader } from './englishkit';
import { furnish } from './englishworld';
import { shots } from './pagekit';
import { expect, goTo, settled, test } from './test';

/** Pages that must have been among those that were seen. */
const kinds = [
  '/goods/products/:id',
  '/goods/batches/:id',
  '/campaigns/:id',
  '/money/payouts/:id',
  '/members/:id',
  '/leaders/people/:id',
  '/leaders/groups/:id',
  '/audience/tags/:id',
  '/audience/segments/:id',
  '/pushes/:id',
  '/pushes/reach',
  '/pushes/holdout',
  '/jobs/:source/:id',
];

const kindOf = (path: string) =>
  path
    .replace(/\?.*/, '')
    .replace(/\d{6,}/g, ':id')
    .replace(/^\/jobs\/[a-z]+\//, '/jobs/:source/');

test('the panel speaks English on every page', async ({ desk, site, browser }) => {
  test.setTimeout(600_000);
  const more = await test.step('somebody has done a little of everything', () =>
    furnish(desk, browser, site, process.env.SIYU_E2E_SIM ?? ''));
  await desk.goto(`${site}/admin/`);
  await desk.evaluate(() => localStorage.setItem('siyu.language', 'en'));
  await desk.reload();
  await expect(desk.locator('#main h1').first()).toHaveText('Today');
  await expect(desk.locator('html')).toHaveAttribute('lang', 'en');
  const closed = desk.locator('aside [role=menuitem][aria-expanded=false]');
  while ((await closed.count()) > 0) await closed.first().click();
  const menu = await addresses(desk, 'aside');
  expect(menu.length).toBeGreaterThan(50);

  const reader = new Reader();
  const queue = [...new Set(['/account', ...menu, ...more])];
  const seen = new Set(queue.map(kindOf));
  const wrong: string[] = [];
  /** read holds what stands there against what was typed, and finds new kinds of pages. */
  const read = async (page: Page, at: string) => {
    const faults = async () => [
      ...(await reader.left(page)).map((text) => `${at}: Chinese: ${text.slice(0, 120)}`),
      ...(await cut(page)).map((text) => `${at}: cut off: ${text}`),
    ];
    // What slides in is not cut off, and an answer may be on the page before it is read here.
    await expect(async () => expect(await faults()).toEqual([]))
      .toPass({ timeout: 20_000 })
      .catch(async () => wrong.push(...(await faults())));
    for (const link of await addresses(page, '#main'))
      if (!seen.has(kindOf(link))) {
        seen.add(kindOf(link));
        queue.push(link);
      }
  };
  /** look is what is wrong with a page; what it leads to is looked at later, one of a kind. */
  const look = async (page: Page, path: string) => {
    await goTo(page, site, path);
    await expect(page.locator('.ant-result-404, .ant-result-403')).toHaveCount(0);
    await read(page, path);
    // Colours are those of the Chinese panel, where walk.spec.ts looks at every menu page.
    const barred = () => barriers(page, menu.includes(path));
    await expect // what fades in is pale for a moment
      .poll(barred, { timeout: 20_000 })
      .toEqual([])
      .catch(async () => wrong.push(...(await barred()).map((b) => `${path}: ${b}`)));
    await keep(page, path);
    const tabs = page.locator('#main [role=tab]:not([aria-disabled=true])');
    for (const name of (await tabs.allInnerTexts()).slice(1)) {
      await tabs
        .getByText(name, { exact: true })
        .or(tabs.filter({ hasText: name }))
        .first()
        .click();
      await settled(page);
      await read(page, `${path} ${name}`);
      await keep(page, `${path} ${name}`);
    }
    await page.setViewportSize({ width: 375, height: 812 });
    const over = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    await expect
      .poll(over, { timeout: 20_000 })
      .toBeLessThanOrEqual(0)
      .catch(async () => wrong.push(`${path}: wider than a phone by ${await over()} px`));
    await keep(page, path);
    await page.setViewportSize({ width: 1280, height: 800 });
  };
  // Two beside each other, as far as the queue goes.
  const pages = [desk, await desk.context().newPage()];
  await Promise.all(
    pages.map(async (page) => {
      reader.listen(page);
      for (let path = queue.shift(); path; path = queue.shift()) {
        const at = path;
        await test.step(at, () => look(page, at));
      }
    }),
  );
  expect(wrong).toEqual([]);
  expect(
    kinds.filter((kind) => !seen.has(kind)),
    'pages that were not met',
  ).toEqual([]);
});

/** keep is a picture for people, where SIYU_E2E_SHOTS names a folder. */
async function keep(page: Page, at: string): Promise<void> {
  const to = shots();
  const name = at.replace(/\d{6,}/g, 'id').replace(/[^a-zA-Z0-9]+/g, '-');
  const width = page.viewportSize()?.width;
  if (to) await page.screenshot({ path: `${to}/${name.slice(0, 80)}-${width}.png`, fullPage: true });
}

/** addresses are the panel's own links of a part of the page. */
async function addresses(page: Page, part: string): Promise<string[]> {
  const links = await page
    .locator(`${part} a[href^="/admin/"]`)
    .evaluateAll((as) => as.map((a) => new URL((a as HTMLAnchorElement).href).pathname.replace(/^\/admin/, '')));
  return links.filter((link) => !link.startsWith('/api/'));
}
