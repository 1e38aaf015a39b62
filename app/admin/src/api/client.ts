// The one place that talks to the server. Cookies carry the session; every write carries
// the session's CSRF token and, where asked, an Idempotency-Key.
import createClient from 'openapi-fetch';
import i18n from '@/i18n';
import { ApiError, faultOf } from './error';

export const base = '/admin/api/v1';

type Verb = 'GET' | 'POST' | 'PUT' | 'DELETE';

export type Call = {
  params?: { path?: object; query?: object };
  body?: unknown;
  key?: string;
  /** When what a form was filled with was read: a change of somebody else since is not
   * taken back, the server refuses (changed_meanwhile). */
  seen?: number;
  signal?: AbortSignal;
};

let csrf = '';
let loggedOut: () => void = () => {};
let refused: () => void = () => {};
let lastUse = Date.now();
let lastInput = Date.now();

/** setSession is told by the session: its token, and what to do when it is over. */
export function setSession(token: string, over: () => void): void {
  csrf = token;
  loggedOut = over;
}

/** onRefused says what to do when a permission is missing that was there when the page was
 * drawn; the answer takes it back. */
export function onRefused(again: () => void): () => void {
  refused = again;
  return () => {
    refused = () => {};
  };
}

/** noteInput: somebody touched the page. Pages also ask by themselves, again and again; what
 * they ask while nobody is there must not keep a session alive. */
export function noteInput(): void {
  lastInput = Date.now();
}

const idleAfter = 60_000;

/** When this tab last had an answer that counts as use: a session ends after some time
 * without one. */
export function lastAnswer(): number {
  return lastUse;
}

// biome-ignore lint/suspicious/noExplicitAny: the typed face is useGet and useWrite; this client only builds addresses
const client = createClient<any>({
  baseUrl: base,
  headers: { Accept: 'application/json' },
  fetch: (request: Request) => fetch(request), // looked up at each call
});

/** call makes a request and returns the whole answer. Throws ApiError. */
export async function call(verb: Verb, path: string, init: Call = {}): Promise<unknown> {
  // The language that was chosen here, whatever the browser prefers.
  const headers: Record<string, string> = { 'Accept-Language': i18n.language };
  if (verb !== 'GET') headers['X-CSRF-Token'] = csrf;
  if (init.key) headers['Idempotency-Key'] = init.key;
  if (init.seen) headers['X-Seen-Ago-Ms'] = String(Math.max(0, Date.now() - init.seen));
  const byItself = verb === 'GET' && Date.now() - lastInput > idleAfter;
  if (byItself) headers['X-Background'] = '1';
  const form = init.body instanceof FormData;
  let result: { data?: unknown; error?: unknown; response: Response };
  try {
    // biome-ignore lint/suspicious/noExplicitAny: see above
    result = await (client as any)[verb](path, {
      params: { path: init.params?.path, query: trimmed(init.params?.query) },
      body: init.body,
      bodySerializer: form ? (b: FormData) => b : undefined,
      headers,
      signal: init.signal,
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, 'network', '');
  }
  const { response } = result;
  if (response.ok) {
    if (!byItself) lastUse = Date.now();
    return result.data;
  }
  const fault = faultOf(response.status, result.error, response.headers.get('X-Request-ID') ?? '');
  // A wrong code or password is 401 too, and no reason to be thrown out.
  if (fault.code === 'not_logged_in') loggedOut();
  if (fault.code === 'no_permission') refused();
  throw fault;
}

/** trimmed leaves out what is not said: an empty filter is no filter. */
function trimmed(query: object | undefined): object | undefined {
  if (!query) return undefined;
  return Object.fromEntries(Object.entries(query).filter(([, v]) => v !== undefined && v !== null && v !== ''));
}

/** addressOf is the address of a GET that a browser opens itself: pictures, downloads. */
export function addressOf(path: string, params: Call['params'] = {}): string {
  const named = Object.entries(params.path ?? {}).reduce(
    (p, [k, v]) => p.replace(`{${k}}`, encodeURIComponent(String(v))),
    path,
  );
  const query = new URLSearchParams(
    Object.entries(trimmed(params.query) ?? {}).map(([k, v]) => [k, String(v)] as [string, string]),
  ).toString();
  return `${base}${named}${query ? `?${query}` : ''}`;
}
