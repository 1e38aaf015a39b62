// What a page of the panel costs whoever opens it first, with an empty cache: gzipped bytes
// over the wire, and when it can be used.
//
//   node e2e/figures.mjs --base http://127.0.0.1:8080 [--login admin] --password SECRET
//     [--runs 3] [--quiet-ms 5000] [--throttle 1] [/money/payouts ...]
//
// Time to interactive is counted as Lighthouse does: from the first contentful paint on, the
// first window of quiet-ms is looked for in which no task holds the main thread for 50 ms or
// longer and no more than two requests are under way; interactive is where the last such
// task before that window ended. Times are the median of the runs, from the navigation's
// start. blocking_ms is what long tasks exceed 50 ms by, from the first paint to then.
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { chromium } from '@playwright/test';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    base: { type: 'string', default: 'http://127.0.0.1:8080' },
    login: { type: 'string', default: 'admin' },
    password: { type: 'string', default: process.env.SIYU_PASSWORD ?? '' },
    runs: { type: 'string', default: '3' },
    'quiet-ms': { type: 'string', default: '5000' },
    throttle: { type: 'string', default: '1' },
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
const quiet = Number(values['quiet-ms']);
const most = quiet + 60_000;

/** witness runs in the page before anything else of it. */
function witness() {
  const seen = { tasks: [], paint: 0, heading: 0 };
  window.siyuFigures = seen;
  new PerformanceObserver((list) => {
    for (const e of list.getEntries()) seen.tasks.push([e.startTime, e.startTime + e.duration]);
  }).observe({ type: 'longtask', buffered: true });
  new PerformanceObserver((list) => {
    for (const e of list.getEntries()) if (e.name === 'first-contentful-paint') seen.paint = e.startTime;
  }).observe({ type: 'paint', buffered: true });
  const look = new MutationObserver(() => {
    if (!document.querySelector('#main h1')?.textContent) return;
    seen.heading = performance.now();
    look.disconnect();
  });
  look.observe(document, { childList: true, subtree: true, characterData: true });
}

/** calm is the start of the first quiet window after the paint, or -1 while there is none.
 * busy are moments of long tasks and of more than two requests, [from, until]. */
function calm(paint, busy, now) {
  let from = paint;
  for (const [start, end] of busy.toSorted((a, b) => a[0] - b[0])) {
    if (end <= from) continue;
    if (start - from >= quiet) break;
    from = Math.max(from, end);
  }
  return now - from >= quiet ? from : -1;
}

/** crowded are the times in which more than two requests were under way. */
function crowded(requests, now) {
  const edges = requests.flatMap((r) => [
    [r.from, 1],
    [r.until ?? now, -1],
  ]);
  const out = [];
  let [n, since] = [0, 0];
  for (const [at, step] of edges.toSorted((a, b) => a[0] - b[0] || a[1] - b[1])) {
    if (n <= 2 && n + step > 2) since = at;
    if (n > 2 && n + step <= 2) out.push([since, at]);
    n += step;
  }
  return out;
}

async function open(browser, path) {
  const context = await browser.newContext({ locale: 'zh-CN', timezoneId: 'Asia/Shanghai' }); // its cache is empty
  try {
    const page = await context.newPage();
    const answer = await page.request.post(`${values.base}/admin/api/v1/login`, {
      data: { login: values.login, password: values.password, code: '' },
      headers: { Origin: values.base },
    });
    if (!answer.ok()) throw new Error(`log-in: ${answer.status()} ${await answer.text()}`);
    await page.addInitScript(witness);
    const wire = await context.newCDPSession(page);
    await wire.send('Network.enable');
    await wire.send('Emulation.setCPUThrottlingRate', { rate: Number(values.throttle) });
    const asked = new Map();
    wire.on('Network.requestWillBeSent', (e) =>
      asked.set(e.requestId, { url: e.request.url, from: e.wallTime * 1000, at: e.timestamp }),
    );
    const over = (e) => {
      const r = asked.get(e.requestId);
      if (r) Object.assign(r, { until: r.from + (e.timestamp - r.at) * 1000, bytes: e.encodedDataLength ?? 0 });
    };
    wire.on('Network.loadingFinished', over);
    wire.on('Network.loadingFailed', over);
    await page.goto(`${values.base}/admin${path}`);
    await page.locator('#main h1').first().waitFor();
    for (const began = Date.now(); Date.now() - began < most; ) {
      const { origin, seen, now } = await page.evaluate(() => ({
        origin: performance.timeOrigin,
        seen: window.siyuFigures,
        now: performance.now(),
      }));
      const requests = [...asked.values()]
        .filter((r) => r.url.startsWith('http'))
        .map((r) => ({ from: r.from - origin, until: r.until === undefined ? undefined : r.until - origin }));
      const start = calm(seen.paint, [...seen.tasks, ...crowded(requests, now)], now);
      if (seen.paint > 0 && start >= 0) {
        const tasks = seen.tasks.filter(([from]) => from < start + quiet);
        const interactive = Math.max(seen.paint, ...tasks.map(([, end]) => end));
        const blocking = tasks.reduce((n, [from, end]) => n + (end > seen.paint ? Math.max(0, end - from - 50) : 0), 0);
        const files = [...asked.values()].filter((r) => r.bytes !== undefined && r.url.startsWith('http'));
        return {
          files: new Map(files.filter((r) => !r.url.includes('/api/')).map((r) => [r.url, r.bytes])),
          api: files.filter((r) => r.url.includes('/api/')).reduce((n, r) => n + r.bytes, 0),
          paint: seen.paint,
          heading: seen.heading,
          interactive,
          blocking,
          tasks: tasks.length,
        };
      }
      await page.waitForTimeout(250);
    }
    throw new Error(`${path}: not quiet within ${most / 1000} s`);
  } finally {
    await context.close();
  }
}

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const kb = (bytes) => (bytes / 1024).toFixed(0);
const sum = (files) => files.reduce((n, [, bytes]) => n + bytes, 0);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
});
const [before, cores] = [loadavg()[0], cpus()];
console.log(
  `machine cpu="${cores[0]?.model.trim()}" cores=${cores.length} load=${before.toFixed(2)} throttle=${values.throttle} runs=${values.runs} quiet_ms=${quiet}`,
);
if (before > cores.length / 4) console.log('note: the machine is busy; times are of no use');
const found = [];
for (const path of paths) {
  const runs = [];
  for (let i = 0; i < Number(values.runs); i++) runs.push(await open(browser, path));
  const of = (name) => median(runs.map((r) => r[name])).toFixed(0);
  const files = [...runs[0].files];
  found.push({ path, files });
  console.log(
    `panel path=${path} gz_kb=${kb(sum(files))} files=${files.length} api_kb=${kb(runs[0].api)} paint_ms=${of('paint')} heading_ms=${of('heading')} interactive_ms=${of('interactive')} blocking_ms=${of('blocking')} long_tasks=${of('tasks')}`,
  );
}
// What every route loads is loaded once; the rest is what going there adds.
const shared = new Set(
  found[0].files.map(([url]) => url).filter((url) => found.every((f) => f.files.some(([u]) => u === url))),
);
console.log(`shared gz_kb=${kb(sum(found[0].files.filter(([url]) => shared.has(url))))} files=${shared.size}`);
for (const { path, files } of found) {
  const own = files.filter(([url]) => !shared.has(url));
  console.log(`own path=${path} gz_kb=${kb(sum(own))} files=${own.length}`);
}
await browser.close();
