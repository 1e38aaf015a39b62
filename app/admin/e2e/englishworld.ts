// What english.spec.ts looks at: on the demo brand of setup.ts somebody has done a little of
// everything, so that each kind of page has one of its kind to show. Without the panel.
import type { Browser, Page } from '@playwright/test';
import { each, gather, type Person } from './crowd';
import { brings, type Desk, get, load, number } from './deedskit';
import { api, colleague, expect } from './test';

const second = { login: `ying.wen.${Date.now()}`, password: 'e2e-Sesam-2029' };
const run = Date.now() % 1_000_000;
const appID = 'wxdeadbeef00000001';

const person = (name: string): Person => ({
  name,
  openid: '',
  profiling: true,
  marketing: true,
  opened: 'wrote',
  bought: [],
  walks: true,
});

/** furnish does the deeds and says which pages, by address, no list leads to. */
export async function furnish(page: Page, browser: Browser, site: string, sim: string): Promise<string[]> {
  const [first] = await api<{ id: string }[]>(page, site, 'GET', '/brands');
  const brand = first?.id ?? '';
  const desk: Desk = { page, site, sim, brand };
  const make = <T = { id: string }>(path: string, body: object = {}) => api<T>(page, site, 'POST', path, body);
  await make('/operators', { name: '第二人', ...second, roles: ['admin'] });
  const other = await colleague(browser, site, second);
  const decide = (path: string, body: object) => api(other.page, site, 'POST', path, body);

  // Consumers who scan, claim and are paid; one of them brought the others and is a leader.
  const crowd = ['章一', '章二', '章三', '章四'].map((n) => person(`${n}${Date.now() % 10_000}`));
  await gather({ site, sim, appID, template: '' }, crowd);
  // Bottles that pay cash, and that nobody opened before.
  const batches = (await get<{ id: string; name: string }[]>(desk, `/batches?brand_id=${brand}`)).filter(
    (b) => b.name === '演示批次',
  );
  const codes = await Promise.all(
    crowd.map((_, i) =>
      make<{ url: string }>(`/batches/${batches[i % batches.length]?.id}/sample`, {
        serial: 20 + (Date.now() % 2000) + i,
        reason: '核对印刷',
      }),
    ),
  );
  await each(
    crowd.map((p, i) => ({ p, url: codes[i]?.url ?? '' })),
    async ({ p, url }) => p.phone?.claim(url.replace('/Q/', '/q/')), // a printed code is in capitals
  );
  const members = await Promise.all(
    crowd.map(
      async (p) => (await get<{ id: string }[]>(desk, `/members?openid=${p.openid}&app_id=${appID}`))[0]?.id ?? '',
    ),
  );
  const [head = '', ...team] = members;
  await brings(desk, head, ...team);
  const leader = await make('/leaders', {
    brand_id: brand,
    member_id: head,
    role: 'clerk',
    name: '章店长',
    shop_name: '城南店',
    employee_no: `N${Date.now()}`,
    reason: '门店负责人',
  });

  // Tags: one that was approved and computed, one that waits.
  for (const key of ['province', 'rfm']) {
    const tag = await make<{ id: string; rev: number }>('/tag-templates', {
      brand_id: brand,
      key,
      name: `${key} ${run}`,
    });
    if (key === 'province') await decide(`/tags/${tag.id}/approve`, { rev: tag.rev, note: '' });
  }
  // A push that runs; at night its people wait for the morning.
  const segments = await get<{ id: string; name: string }[]>(desk, `/segments?brand_id=${brand}`);
  const draft = (await get<{ id: string }[]>(desk, `/pushes?brand_id=${brand}`))[0];
  const { id: copy } = await make(`/pushes/${draft?.id}/copy`, { reason: '' });
  await make(`/pushes/${copy}/start`, { version: 1, reason: '' });

  // Points above nobody's limit, a request about personal data, old customers, exports.
  await make(`/members/${head}/points/adjustments`, { brand_id: brand, points: 30, reason: '门店补发' });
  await make('/rights', { kind: 'export', member_id: team[0], reason: '本人来电' });
  await load(desk, `老客户手机\n${number()}\n12345\n`, {
    columns: [{ column: '老客户手机', to: 'key:phone' }],
    app_id: '',
    consents: [],
    evidence: '',
  });
  await make('/extracts', { kind: 'audit', filter: {}, reason: '年度审计' });
  await make('/exports', {
    batch_id: batches[0]?.id,
    from_serial: 1,
    until_serial: 50,
    kind: 'csv',
    options: {},
    url_form: 'short',
    reason: '交给印厂',
  });
  await other.page.context().close();
  expect(other.complaints.list()).toEqual([]);
  return [
    `/members/${head}`,
    `/leaders/people/${leader.id}`,
    `/leaders/tree?member=${head}`,
    `/pushes/${copy}`,
    ...segments.slice(0, 1).map((s) => `/audience/segments/${s.id}`),
  ];
}
