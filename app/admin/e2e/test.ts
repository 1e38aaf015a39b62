// What all specs share: a page that fails its test when the browser complains, and a way
// to be logged in.
import { createHmac } from 'node:crypto';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, type BrowserContext, test as base, expect, type Page, type Request } from '@playwright/test';
import { ended, operator } from './server';

export { expect };

export type Complaints = {
  /** Expected in this test, e.g. the 401 of a wrong password. */
  allow: (pattern: RegExp) => void;
  list: () => string[];
};

type Fixtures = {
  /** Address of the program under test. */
  site: string;
  complaints: Complaints;
  /** A page of the administrator, logged in. */
  desk: Page;
};

/** heard are the complaints of every browser of the test that runs; a worker runs one at a time. */
let heard: string[][] = [];

/** unanswered is what the pages of watched browsers asked for and do not have yet. */
const unanswered = new WeakMap<Page, Set<Request>>();

/** asker is the page that asks; a page that is only being opened has no name yet. */
function asker(r: Request): Page | undefined {
  return r.isNavigationRequest() || r.serviceWorker() ? undefined : r.frame().page();
}

/** watch writes down what a browser complains about. */
export function watch(context: BrowserContext): Complaints {
  const found: string[] = [];
  const allowed: RegExp[] = [];
  heard.push(found);
  context.on('request', (r) => {
    const page = asker(r);
    if (page) unanswered.set(page, (unanswered.get(page) ?? new Set()).add(r));
  });
  for (const end of ['requestfinished', 'requestfailed'] as const)
    context.on(end as 'requestfinished', (r) => {
      const page = asker(r);
      if (page) unanswered.get(page)?.delete(r);
    });
  context.on('console', (m) => {
    if (m.type() === 'error' && !ended(m.location().url)) found.push(`console: ${m.text()} (${m.location().url})`);
  });
  context.on('weberror', (e) => found.push(`page: ${e.error().message}`));
  context.on('requestfailed', (r) => {
    // A request that a newer one replaced, or whose page was left, is no failure.
    const why = r.failure()?.errorText ?? '';
    if (why !== 'net::ERR_ABORTED' && !ended(r.url())) found.push(`request: ${r.method()} ${r.url()} ${why}`);
  });
  context.on('response', (r) => {
    if (r.status() >= 400 && !ended(r.url())) found.push(`answer: ${r.status()} ${r.request().method()} ${r.url()}`);
  });
  return {
    allow: (pattern) => allowed.push(pattern),
    list: () => found.filter((f) => !allowed.some((a) => a.test(f))),
  };
}

export const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright wants the braces
  site: async ({}, use) => {
    await use(process.env.SIYU_E2E_BASE ?? '');
  },
  complaints: [
    async ({ context }, use, info) => {
      heard = [];
      const c = watch(context);
      await use(c);
      // Where a test fails, what any of its browsers met is the first thing to know.
      if (info.status !== info.expectedStatus) for (const f of heard.flat()) console.log(`browser: ${f}`);
      expect(c.list(), 'the browser complained').toEqual([]);
    },
    { auto: true },
  ],
  desk: async ({ page, site }, use) => {
    await enter(page, site, operator);
    await use(page);
  },
});

export type Who = { login: string; password: string };

/** enter logs in without the form. */
export async function enter(page: Page, site: string, who: Who): Promise<void> {
  const r = await page.request.post(`${site}/admin/api/v1/login`, {
    data: { ...who, code: '' },
    headers: { Origin: site },
  });
  expect(r.status(), await r.text()).toBe(200);
}

/** colleague opens a browser of a second person; close its context after. */
export async function colleague(
  browser: Browser,
  site: string,
  who: Who,
): Promise<{ page: Page; complaints: Complaints }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const complaints = watch(context);
  const page = await context.newPage();
  await enter(page, site, who);
  return { page, complaints };
}

/** api asks the back office as the operator of this page, with his token. */
export async function api<T>(page: Page, site: string, method: string, path: string, data?: unknown): Promise<T> {
  const session = await page.request.get(`${site}/admin/api/v1/session`);
  const { data: me } = (await session.json()) as { data: { csrf: string } };
  const r = await page.request.fetch(`${site}/admin/api/v1${path}`, {
    method,
    data,
    headers: { 'X-CSRF-Token': me.csrf },
  });
  const body = (await r.json()) as { data: T };
  expect(r.ok(), `${method} ${path}: ${r.status()} ${JSON.stringify(body)}`).toBe(true);
  return body.data;
}

/** goTo opens an address of the panel and waits until it stands. */
export async function goTo(page: Page, site: string, path: string): Promise<void> {
  unanswered.delete(page); // what the page before this one asked for
  await page.goto(`${site}/admin${path}`);
  await expect(page.locator('#main h1').first()).toBeVisible();
  await settled(page);
}

/** settled waits until a page has what it asked for and shows it. That nothing was on the
 * line for a while (networkidle) does not say so: a busy machine draws what came, or asks for
 * the next thing, later than that. */
export async function settled(page: Page): Promise<void> {
  await expect(async () => {
    expect([...(unanswered.get(page) ?? [])].map((r) => r.url())).toEqual([]);
    expect(await page.evaluate(moves), 'what still moves').toBe('');
    expect([...(unanswered.get(page) ?? [])].map((r) => r.url())).toEqual([]);
  }).toPass({ timeout: 60_000, intervals: [50] });
}

/** moves says what of a page is not there yet, '' where all is; it runs in the page. */
function moves(): Promise<string> {
  const waits = () => document.querySelector('[aria-busy=true], [data-waiting]')?.outerHTML ?? '';
  return new Promise((done) => {
    let changed = '';
    const seen = new MutationObserver((all) => {
      const of = (nodes: NodeList) => [...nodes].map((n) => (n as Element).outerHTML ?? n.textContent).join('');
      for (const m of all)
        changed ||= `${location.pathname}, ${m.type} of ${m.target.nodeName}: ${of(m.removedNodes)} -> ${of(m.addedNodes)}`;
    });
    seen.observe(document.body, { childList: true, characterData: true, subtree: true });
    setTimeout(() => {
      seen.disconnect();
      done((waits() || changed).slice(0, 300));
    }, 200);
  });
}

/** accessible fails on serious and critical violations of WCAG 2 A and AA. What fades in is
 * pale for a moment and passes then; what is wrong stays wrong. */
export async function accessible(page: Page): Promise<void> {
  await expect(() => barrierless(page)).toPass({ timeout: 30_000 });
}

async function barrierless(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa'])
    .options({ resultTypes: ['violations'] })
    .analyze();
  const bad = violations
    .filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .map(
      (v) =>
        `${v.id}: ${v.help}\n    ${v.nodes
          .slice(0, 4)
          .map((n) => `${n.target.join(' ')} ${n.html.slice(0, 160)}`)
          .join('\n    ')}`,
    );
  expect(bad, page.url()).toEqual([]);
}

/** codeOf is what an authenticator app shows for a secret (RFC 6238). */
export function codeOf(secret: string, at = Date.now()): string {
  const bits = [...secret]
    .map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0'))
    .join('');
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((b) => Number.parseInt(b, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const mac = createHmac('sha1', key).update(step).digest();
  const from = (mac[mac.length - 1] ?? 0) & 15;
  return String((mac.readUInt32BE(from) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
