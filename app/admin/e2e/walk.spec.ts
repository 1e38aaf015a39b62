import { accessible, expect, goTo, settled, test } from './test';

// Every page that the menu of an administrator leads to, so that an area is covered by
// being there. In three parts, to run beside each other.
const parts = 3;

for (let part = 0; part < parts; part++) {
  test(`every page of the menu opens without complaints, readable by everybody (${part + 1} of ${parts})`, async ({
    desk,
    site,
  }) => {
    test.setTimeout(900_000);
    await desk.goto(`${site}/admin/`);
    await expect(desk.locator('#main h1').first()).toBeVisible();
    // Closed folders have their entries in the document only when they are opened.
    const closed = desk.locator('aside [role=menuitem][aria-expanded=false]');
    while ((await closed.count()) > 0) await closed.first().click();
    await settled(desk);
    const links = await desk
      .locator('aside a[href^="/admin/"]')
      .evaluateAll((as) => as.map((a) => new URL((a as HTMLAnchorElement).href).pathname.replace(/^\/admin/, '')));
    const pages = [...new Set(['/account', ...links])];
    expect(links.length).toBeGreaterThan(0);
    for (const path of pages.filter((_, i) => i % parts === part)) {
      await test.step(path, async () => {
        await goTo(desk, site, path);
        await expect(desk.locator('.ant-result-404, .ant-result-403, .ant-result-warning')).toHaveCount(0);
        await accessible(desk);
        await desk.setViewportSize({ width: 375, height: 812 });
        // The bar below is the page's own width: nothing may stick out of a phone.
        await expect
          .poll(
            () => desk.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
            { message: `${path} on a phone` },
          )
          .toBeLessThanOrEqual(0);
        await desk.setViewportSize({ width: 1280, height: 800 });
      });
    }
  });
}
