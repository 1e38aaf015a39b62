// What a page of the panel costs whoever opens it first: gzipped bytes over the wire, asked
// with an empty cache, and how long until its heading stands and nothing is asked any more.
//
//   node e2e/figures.mjs --base http://127.0.0.1:8080 [--login admin] --password SECRET [/money/payouts ...]
import { parseArgs } from 'node:util';
import { chromium } from '@playwright/test';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    base: { type: 'string', default: 'http://127.0.0.1:8080' },
    login: { type: 'string', default: 'admin' },
    password: { type: 'string', default: process.env.SIYU_PASSWORD ?? '' },
  },
});
const paths = positionals.length
  ? positionals
  : [
      '/',
      '/goods/batches',
      '/goods/map',
      '/campaigns',
      '/money/payouts',
      '/members/find',
      '/leaders/tree',
      '/settings/audit',
      '/jobs',
    ];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
});
for (const path of paths) {
  const context = await browser.newContext({ locale: 'zh-CN', timezoneId: 'Asia/Shanghai' }); // its cache is empty
  const page = await context.newPage();
  const answer = await page.request.post(`${values.base}/admin/api/v1/login`, {
    data: { login: values.login, password: values.password, code: '' },
    headers: { Origin: values.base },
  });
  if (!answer.ok()) throw new Error(`log-in: ${answer.status()} ${await answer.text()}`);
  const wire = await context.newCDPSession(page);
  await wire.send('Network.enable');
  let [bytes, data, files] = [0, 0, 0];
  const urls = new Map();
  wire.on('Network.responseReceived', (e) => urls.set(e.requestId, e.response.url));
  wire.on('Network.loadingFinished', (e) => {
    if (urls.get(e.requestId)?.includes('/api/')) data += e.encodedDataLength;
    else [bytes, files] = [bytes + e.encodedDataLength, files + 1];
  });
  const began = performance.now();
  await page.goto(`${values.base}/admin${path}`);
  await page.locator('#main h1').first().waitFor();
  const heading = performance.now() - began;
  await page.waitForLoadState('networkidle'); // that is half a second of silence
  const quiet = performance.now() - began - 500;
  console.log(
    `panel path=${path} gz_kb=${(bytes / 1024).toFixed(0)} files=${files} api_kb=${(data / 1024).toFixed(0)} heading_ms=${heading.toFixed(0)} quiet_ms=${quiet.toFixed(0)}`,
  );
  await context.close();
}
await browser.close();
