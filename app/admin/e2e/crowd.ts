// People of eyecare.spec.ts: each does on a phone of the simulator what somebody does in
// WeChat, through the public addresses only. No browser: a jar of cookies is enough.
import { type Desk, load, tell } from './deedskit';
import { expect } from './test';

export type Person = {
  name: string;
  openid: string;
  /** Says yes to profiling, and to offers. */
  profiling: boolean;
  marketing: boolean;
  /** How he may be reached: wrote to the account, allowed a template, or did neither. */
  opened: 'wrote' | 'allowed' | 'no';
  bought: readonly string[]; // GTINs
  /** He comes through the pages on his phone; the others by a file of old customers. */
  walks: boolean;
  phone?: Phone;
};

export type World = { site: string; sim: string; appID: string; template: string };

/** Phone is one person's WeChat: its cookies, and its pages as text. */
export class Phone {
  private readonly jar = new Map<string, string>();
  constructor(
    private readonly w: World,
    private readonly name: string,
  ) {}

  /** open follows redirects as a browser does, through WeChat's login and back. */
  async open(path: string, form?: Record<string, string>): Promise<string> {
    let url = new URL(path, this.w.site);
    let body: URLSearchParams | undefined = form && new URLSearchParams(form);
    for (let hops = 0; hops < 8; hops++) {
      const ours = url.origin === this.w.site;
      const r: Response = await fetch(url, {
        method: body ? 'POST' : 'GET',
        redirect: 'manual',
        body,
        headers: {
          'User-Agent': 'Mozilla/5.0 (iPhone) MicroMessenger/8.0.49',
          Cookie: ours
            ? [...this.jar].map(([k, v]) => `${k}=${v}`).join('; ')
            : `sim_user=${encodeURIComponent(this.name)}`,
        },
      });
      if (ours) for (const c of r.headers.getSetCookie()) this.keep(c);
      const to = r.headers.get('Location');
      if (r.status < 300 || r.status >= 400 || !to) {
        const text = await r.text();
        expect(
          r.ok,
          `${this.name} ${url.pathname}: ${r.status} ${text
            .replace(/<style.*?<\/style>/s, '')
            .replace(/<[^>]+>/g, '')
            .slice(0, 400)}`,
        ).toBe(true);
        return text;
      }
      await r.arrayBuffer();
      // The login page of the simulator's phone leads back without naming our host.
      url = new URL(to, ours ? url : this.w.site);
      body = undefined;
    }
    throw new Error(`${this.name}: ${path} goes round in circles`);
  }

  /** claim: he scans the code of a box that he opened, and takes what is offered. */
  async claim(url: string): Promise<void> {
    const { pathname } = new URL(url);
    const page = await this.open(pathname);
    const form_token = tokenOf(page);
    expect(page, `${this.name} ${pathname}`).toContain(`${pathname}/claim`);
    await this.open(`${pathname}/claim`, { form_token });
  }

  private keep(cookie: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
    if (value === '' || /max-age=(0|-)/i.test(cookie)) this.jar.delete(name);
    else this.jar.set(name, value);
  }
}

const tokenOf = (page: string) => /name="form_token" value="([^"]+)"/.exec(page)?.[1] ?? '';

/** arrive: he logs in, says what he agrees to, follows, and lets the brand write to him. */
async function arrive(w: World, p: Person): Promise<void> {
  await greet(w, p);
  const phone = new Phone(w, p.name);
  p.phone = phone;
  const page = await phone.open(`/wx/login?to=${encodeURIComponent('/me/privacy')}`);
  const form_token = tokenOf(page);
  for (const purpose of ['profiling', 'marketing'] as const)
    if (p[purpose]) await phone.open('/me/consents', { form_token, purpose, given: '1' });
  await open(w, p);
}

/** greet: WeChat has somebody new, and the account a name for him. */
async function greet({ sim, appID }: World, p: Person): Promise<void> {
  await tell(sim, 'users', { name: p.name, city: '杭州' });
  const r = await fetch(`${sim}/sim/api/openid?user=${encodeURIComponent(p.name)}&app_id=${appID}`);
  p.openid = ((await r.json()) as { data: { openid: string } }).data.openid;
}

/** open: he lets the brand write to him. A new follower may be written to for a minute, so
 * only who is to get a chat message follows; a message that was allowed comes without. */
async function open({ sim, appID, template }: World, p: Person): Promise<void> {
  const deed = { user: p.name, app_id: appID };
  if (p.opened === 'wrote') {
    await tell(sim, 'follow', deed);
    await tell(sim, 'say', { ...deed, text: '你好' });
  }
  if (p.opened === 'allowed') await tell(sim, 'popup', { ...deed, template_id: template });
}

/** each does something for everybody of a list, some at a time. */
export async function each<T>(list: readonly T[], deed: (item: T) => Promise<unknown>, width = 8): Promise<void> {
  const queue = list.values();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const item of queue) await deed(item);
    }),
  );
}

/** gather lets a crowd arrive. */
export const gather = (w: World, crowd: readonly Person[]): Promise<void> => each(crowd, (p) => arrive(w, p));

/** plant brings old customers: a file says that they agreed, on paper, to both; then they
 * follow and write as anybody does. */
export async function plant(desk: Desk, w: World, crowd: readonly Person[]): Promise<void> {
  await each(crowd, (p) => greet(w, p));
  for (const p of crowd) expect(p.profiling && p.marketing, p.name).toBe(true);
  await load(desk, `OpenID,同意\n${crowd.map((p) => `${p.openid},是\n`).join('')}`, {
    columns: [
      { column: 'OpenID', to: 'key:openid' },
      { column: '同意', to: 'consent' },
    ],
    app_id: w.appID,
    consents: ['profiling', 'marketing'],
    evidence: '门店会员登记表',
  });
  await each(crowd, (p) => open(w, p));
}

export type Bubble = { kind: string; title: string; text: string; url: string; mine: boolean; app_id: string };

/** What the account answers by itself to somebody's first words. */
const reply = '您还没有扫码记录';

/** heard are the messages that a person's phone holds from the account, without its replies. */
export async function heard(w: World, name: string): Promise<Bubble[]> {
  const r = await fetch(`${w.sim}/sim/api/chats?user=${encodeURIComponent(name)}`);
  const all = ((await r.json()) as { data: Bubble[] | null }).data;
  return (all ?? []).filter((b) => b.app_id === w.appID && !b.mine && b.kind !== 'event' && !b.text.startsWith(reply));
}

/** order is a line that a shop system reports. */
export function order(p: Person, appID: string, gtin: string, no: string, at: Date): object {
  return {
    at: at.toISOString(),
    person: [{ kind: 'openid', scope: appID, value: p.openid }],
    source: 'shop',
    order_no: no,
    amount_fen: 8900,
    lines: [{ gtin, quantity: 1, amount_fen: 8900 }],
  };
}

/** luck is a row of numbers in [0, 1) that a seed decides (mulberry32). */
export function luck(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
