// Where eyecare.spec.ts begins: a brand of eye care with two products, and who its people
// are. Some walk through the pages on their phones; more are old customers of a file.
import { randomBytes } from 'node:crypto';
import { expect, type Page } from '@playwright/test';
import { gather, order, type Person, plant, type World } from './crowd';
import { type Desk, get, type partner, tell } from './deedskit';
import type { Kind } from './eyecarekit';
import { api, test } from './test';

export const solution = { gtin: '06901234567892', name: '护理液', spec: '355ml' };
export const lenses = { gtin: '06901234567908', name: '镜片', spec: '日抛 30 片' };

/** second is the login of who approves. */
export const second = { login: 'lin.pi', password: 'e2e-Sesam-2027' };

export type Crowd = { all: Person[]; kinds: Record<Kind, Person[]>; apart: Person[]; tester: Person };

/** crowd is who there is: by what they bought, what they agree to, and how they may be
 * reached. Some walk through the pages on their phones; more are old customers of a file, so
 * that a tenth are enough to compare with. */
export function crowd(): Crowd {
  let n = 0;
  const some = (count: number, bought: string[], more: Partial<Person> = {}): Person[] =>
    Array.from({ length: count }, () => ({
      name: `顾客${String(++n).padStart(4, '0')}`,
      openid: '',
      profiling: true,
      marketing: true,
      opened: 'wrote',
      bought,
      walks: true,
      ...more,
    }));
  const old = { walks: false };
  const kinds = {
    solution: [
      ...some(60, [solution.gtin]),
      ...some(20, [solution.gtin], { opened: 'allowed' }),
      ...some(120, [solution.gtin], old),
      ...some(150, [solution.gtin], { opened: 'allowed', ...old }),
    ],
    lenses: [...some(30, [lenses.gtin]), ...some(310, [lenses.gtin], old)],
    neither: [...some(30, []), ...some(310, [], old)],
  };
  const apart = [
    ...some(8, [solution.gtin], { profiling: false }), // nobody may judge them by what they buy
    ...some(6, [solution.gtin], { marketing: false }),
    ...some(6, [solution.gtin], { opened: 'no' }),
    ...some(2, [lenses.gtin], { opened: 'no' }),
    ...some(10, [solution.gtin, lenses.gtin]), // they know both
  ];
  const [tester] = some(1, [solution.gtin, lenses.gtin]) as [Person]; // a colleague's own phone
  return { all: [...kinds.solution, ...kinds.lenses, ...kinds.neither, ...apart, tester], kinds, apart, tester };
}

const secret = randomBytes(16).toString('hex');

export type Brand = World & { brand: string; account: string; products: { solution: string; lenses: string } };

/** brandOf is what stands before the story begins: a brand, its account, two products, a
 * second person. */
export async function brandOf(page: Page, site: string, sim: string): Promise<Brand> {
  const appID = 'wxeyecare000000001';
  const template = 'tmpl-lens-news';
  const aes_key = randomBytes(32).toString('base64').slice(0, 43);
  await tell(sim, 'apps', {
    kind: 'official',
    app_id: appID,
    name: '明眸护眼',
    secret,
    token: 'eyecare',
    aes_key,
    mode: 'aes',
    callback_url: `${site}/wx/callback/mingmou`,
    open_platform: 'eyecare',
    templates: { [template]: '新品到店提醒' },
  });
  const host = new URL(site).host;
  const b = await api<{ id: string }>(page, site, 'POST', '/brands', {
    slug: 'mingmou',
    name: '明眸',
    code_host: host,
  });
  const a = await api<{ id: string }>(page, site, 'PUT', `/brands/${b.id}/accounts`, {
    kind: 'official',
    app_id: appID,
    name: '明眸护眼',
    callback_slug: 'mingmou',
    secrets: { app_secret: secret, token: 'eyecare', aes_key },
  });
  const goods = async (p: object) =>
    (await api<{ id: string }>(page, site, 'POST', '/products', { brand_id: b.id, scan_points: 5, ...p })).id;
  const products = { solution: await goods(solution), lenses: await goods(lenses) };
  await api(page, site, 'POST', '/operators', { name: '林批', ...second, roles: ['admin'] });
  return { site, sim, appID, template, brand: b.id, account: a.id, products };
}

type Report = Awaited<ReturnType<typeof partner>>;

/** arrivals is the crowd's first day: three weeks after what they bought. */
export async function arrivals(desk: Desk, w: Brand, all: readonly Person[], report: Report): Promise<void> {
  const [walk, old] = [all.filter((p) => p.walks), all.filter((p) => !p.walks)];
  await test.step(`${walk.length} on their phones`, () => gather(w, walk));
  await test.step(`${old.length} of a file`, () => plant(desk, w, old));
  const then = new Date(Date.now() - 20 * 86_400_000);
  const orders = all.flatMap((p) => p.bought.map((g) => order(p, w.appID, g, `${p.name.slice(2)}-${g}`, then)));
  for (let from = 0; from < orders.length; from += 400)
    for (const r of await report('/orders', { orders: orders.slice(from, from + 400) }))
      expect(r.status, JSON.stringify(r)).toBe('stored');
  await settled(desk, all);
}

/** settled waits until the program knows what everybody did. */
async function settled(desk: Desk, all: readonly Person[]): Promise<void> {
  const tree = JSON.stringify({ v: 1, root: { all: [{ did: { what: 'bought', op: 'gte', values: [1] } }] } });
  const at = `/segments/size?brand_id=${desk.brand}&tree=${encodeURIComponent(tree)}`;
  const want = { people: all.length, matched: all.filter((p) => p.profiling && p.bought.length > 0).length };
  await expect.poll(() => get<object>(desk, at), { timeout: 60_000 }).toMatchObject(want);
}
