// Pictures of pages, to look at: logs in, opens each address at 1280 and 375 px and prints
// what the browser complained about.
//
//   node e2e/shot.mjs [--base http://127.0.0.1:5170] [--login admin] --password SECRET \
//     [--out /tmp/shots] [--wait 500] [--lang en] /goods/products /money/payouts ...
import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { chromium } from '@playwright/test';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    base: { type: 'string', default: 'http://127.0.0.1:5170' },
    login: { type: 'string', default: 'admin' },
    password: { type: 'string', default: process.env.SIYU_PASSWORD ?? '' },
    out: { type: 'string', default: '/tmp/shots' },
    wait: { type: 'string', default: '500' },
    lang: { type: 'string', default: 'zh-CN' },
  },
});
mkdirSync(values.out, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
});
const context = await browser.newContext({
  locale: 'zh-CN',
  timezoneId: 'Asia/Shanghai',
  viewport: { width: 1280, height: 800 },
});
const page = await context.newPage();
page.on('console', (m) => {
  if (m.type() === 'error' || m.type() === 'warning') console.log(`  console ${m.type()}: ${m.text()}`);
});
page.on('pageerror', (e) => console.log(`  page error: ${e.message}`));
// A request that a newer one replaced is no failure.
page.on(
  'requestfailed',
  (r) =>
    r.failure()?.errorText !== 'net::ERR_ABORTED' &&
    console.log(`  failed: ${r.method()} ${r.url()} ${r.failure()?.errorText}`),
);
page.on('response', (r) => {
  if (r.status() >= 400 && !(r.status() === 401 && r.url().endsWith('/me')))
    console.log(`  ${r.status()}: ${r.request().method()} ${r.url()}`);
});

await page.goto(`${values.base}/admin/login`);
if (values.lang === 'en') await page.evaluate(() => localStorage.setItem('siyu.language', 'en'));
const answer = await page.request.post(`${values.base}/admin/api/v1/login`, {
  data: { login: values.login, password: values.password, code: '' },
  headers: { Origin: values.base },
});
if (!answer.ok()) {
  console.error(`log-in: ${answer.status()} ${await answer.text()}`);
  process.exit(1);
}
for (const path of positionals.length ? positionals : ['/']) {
  for (const width of [1280, 375]) {
    console.log(`${path} at ${width}`);
    await page.setViewportSize({ width, height: width === 375 ? 812 : 800 });
    await page.goto(`${values.base}/admin${path}`, { waitUntil: 'networkidle' });
    await page.waitForTimeout(Number(values.wait));
    const name = path.replace(/[^a-zA-Z0-9]+/g, '-').replace(/^-|-$/g, '') || 'home';
    await page.screenshot({ path: `${values.out}/${name}-${width}.png`, fullPage: true });
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (over > 0) console.log(`  wider than the window by ${over} px`);
  }
}
await browser.close();
