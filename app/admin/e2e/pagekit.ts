// What specs do with any page of the panel: fill what is open in it, wait for its words, and
// look at it as people do, those among them who cannot see.
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Locator, Page } from '@playwright/test';
import { accessible, expect, test } from './test';

/** dialog is the question or the form that is open. */
export function dialog(page: Page): Locator {
  return page.getByRole('dialog').last();
}

/** confirm says yes to the question that is open, with a reason where it asks for one. */
export async function confirm(page: Page, reason = ''): Promise<void> {
  if (reason) await dialog(page).getByLabel('原因').fill(reason);
  await dialog(page).getByRole('button', { name: '确认' }).click();
}

/** pick chooses in a select by its label; several options one after the other. A list that
 * slides in swallows a click now and then, as it does a person's. */
export async function pick(
  inside: Page | Locator,
  page: Page,
  label: string,
  ...options: (string | RegExp)[]
): Promise<void> {
  const box = inside.getByRole('combobox', { name: label });
  const many = box.locator('xpath=ancestor::*[contains(concat(" ", @class, " "), " ant-select-multiple ")]');
  for (const o of options) {
    await expect(async () => {
      const taken = many.locator('.ant-select-selection-item').filter({ hasText: o });
      if ((await many.count()) > 0 && (await taken.count()) > 0) return;
      if ((await box.getAttribute('aria-expanded')) !== 'true') await box.click({ timeout: 3000 });
      // Another list may still be closing.
      const list = page.locator(`.ant-select-dropdown:has(#${await box.getAttribute('aria-controls')})`);
      const option = list.locator('.ant-select-item-option-content').getByText(o, { exact: true });
      await option.click({ timeout: 3000 });
      if ((await many.count()) > 0) await expect(taken).toHaveCount(1, { timeout: 1000 });
    }).toPass({ timeout: 20_000 });
  }
  if ((await box.getAttribute('aria-expanded')) === 'true') await page.keyboard.press('Escape');
}

/** until waits for words to stand on a page; timeout in milliseconds. */
export async function until(page: Page, words: string | RegExp, timeout = 60_000): Promise<void> {
  await expect(page.getByText(words).first()).toBeVisible({ timeout });
}

/** wall is a moment on Shanghai's clock, as the panel writes it to the minute. */
export const wall = (at: Date): string =>
  new Date(at.getTime() + 8 * 3_600_000).toISOString().slice(0, 16).replace('T', ' ');

/** shots is the folder for pictures, '' where nobody wants them: SIYU_E2E_SHOTS, within the
 * test's own output unless it is a whole path. */
export function shots(): string {
  const to = process.env.SIYU_E2E_SHOTS;
  if (!to) return '';
  const folder = resolve(test.info().outputDir, to);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** look keeps a picture of what stands there, for people: at 1280 and at 375 px. */
export async function look(page: Page, name: string): Promise<void> {
  const to = shots();
  if (!to) return;
  for (const [width, height] of [
    [375, 812],
    [1280, 800],
  ] as const) {
    await page.setViewportSize({ width, height });
    await page.waitForTimeout(400); // what slides in
    // A page measures itself again after a turn of the screen, a busy machine's page later.
    const over = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    await expect.poll(over, { message: `${name} at ${width}` }).toBeLessThanOrEqual(0);
    await page.screenshot({
      path: `${to}/${name}-${width}.png`,
      fullPage: (await page.getByRole('dialog').count()) === 0,
    });
  }
}

/** checked reads a page as a blind person's browser does; once for each kind of page, for it
 * costs as much as drawing it. */
export async function checked(page: Page): Promise<void> {
  await page.mouse.move(0, 0); // what the pointer rests on is drawn lighter
  await accessible(page);
}

/** looked is a page as it should be for everybody: read aloud, and not wider than a phone. */
export async function looked(page: Page, name: string): Promise<void> {
  await look(page, name);
  await checked(page);
}
