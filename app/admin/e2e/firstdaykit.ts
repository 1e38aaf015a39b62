// What firstday.spec.ts needs beside the steps of its story: what WeChat's own back office would
// know, told to the simulator; a pack of codes, opened as a printer opens it; and its forms.
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from '@playwright/test';
import { tell } from './deedskit';
import { wall } from './pagekit';
import { expect } from './test';

export const official = { appID: 'wxfeed000000000001', secret: randomBytes(16).toString('hex'), token: 'firstday' };
export const merchant = {
  mchID: '1900000901',
  serial: '7A0C3F1E55D2409B8E6F112233445566778899AA',
  key: randomBytes(16).toString('hex'),
};

/** wechat has the official account and the merchant, who may pay to its users: their keys, and
 * the one by which WeChat Pay is known. */
export async function wechat(
  sim: string,
  site: string,
): Promise<{ aesKey: string; privateKey: string; platform: { id: string; public_key_pem: string } }> {
  const aesKey = randomBytes(32).toString('base64').slice(0, 43);
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  await tell(sim, 'apps', {
    kind: 'official',
    app_id: official.appID,
    name: '小满酱园',
    secret: official.secret,
    token: official.token,
    aes_key: aesKey,
    mode: 'aes',
    callback_url: `${site}/wx/callback/xiaoman-official`,
    open_platform: 'firstday',
  });
  await tell(sim, 'merchants', {
    mch_id: merchant.mchID,
    name: '小满酱园',
    serial_no: merchant.serial,
    public_key_pem: pair.publicKey,
    api_v3_key: merchant.key,
    balance_fen: 500_000,
    app_ids: [official.appID],
  });
  const { data: platform } = (await (await fetch(`${sim}/sim/api/platform_key`)).json()) as {
    data: { id: string; public_key_pem: string };
  };
  return { aesKey, privateKey: pair.privateKey, platform };
}

/** drawer is the form that is open, once it stands still. */
export async function drawer(page: Page): Promise<Locator> {
  const d = page
    .getByRole('dialog')
    .filter({ has: page.locator('form') })
    .last();
  await expect(d).toBeVisible();
  return d;
}

/** menuOf are the addresses of the menu, every folder of it opened. */
export async function menuOf(page: Page): Promise<string[]> {
  const closed = page.locator('aside [role=menuitem][aria-expanded=false]');
  while ((await closed.count()) > 0) await closed.first().click();
  const links = page.locator('aside a[href^="/admin/"]');
  await expect.poll(() => links.count()).toBeGreaterThan(40);
  return links.evaluateAll((as) =>
    as.map((a) => new URL((a as HTMLAnchorElement).href).pathname.replace(/^\/admin/, '')),
  );
}

/** stands waits until a page has its title and waits for nothing any more. */
export async function stands(page: Page, site: string, path: string): Promise<void> {
  await expect(page, path).toHaveURL(`${site}/admin${path}`);
  await expect(page.locator('#main h1').first(), path).toBeVisible();
  await expect(page.locator('#main :is(.ant-spin-spinning, [role=status][aria-label="加载中"])'), path).toHaveCount(0);
}

/** typeTime fills a moment into a field that has a calendar. */
export async function typeTime(page: Page, label: string, at: string): Promise<void> {
  const field = page.getByLabel(label, { exact: true });
  await field.click();
  await field.fill(at);
  await page.keyboard.press('Enter');
  await expect(field).toHaveValue(at);
}

/** dayFrom is the moment so many days from now on Shanghai's clock. */
export const dayFrom = (days: number): string => wall(new Date(Date.now() + days * 86_400_000));

/** unpack opens a pack of codes with its password. */
export function unpack(zip: string, password: string, into: string): void {
  execFileSync('7z', ['x', `-p${password}`, `-o${into}`, zip], { stdio: 'pipe' });
  // Pictures lie in folders of their own inside, so that a pack of millions opens.
  for (const inner of readdirSync(into).filter((f) => f.endsWith('.zip')))
    execFileSync('7z', ['x', `-o${into}`, join(into, inner)], { stdio: 'pipe' });
}

/** picturesIn are the codes' pictures of an opened pack, in their order. */
export const picturesIn = (pack: string): string[] =>
  readdirSync(pack, { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.png'))
    .toSorted();
