import { afterEach, describe, expect, it, vi } from 'vitest';
import i18n, { setLanguage } from '@/i18n';
import { call, lastAnswer, noteInput, onRefused, setSession } from './client';
import { ApiError, errorText, faultOf } from './error';

afterEach(async () => {
  vi.unstubAllGlobals();
  await i18n.changeLanguage('zh-CN');
});

describe('faults', () => {
  const body = {
    error: { code: 'last_admin', message: '至少要保留一个启用的管理员', request_id: 'r1', detail: { field: 'state' } },
  };

  it('say the server’s words, its number and its field', () => {
    const f = faultOf(409, body);
    expect([errorText(f), f.requestId, f.field, f.status]).toEqual(['至少要保留一个启用的管理员', 'r1', 'state', 409]);
  });
  it('English translates by code, adds what the server names, and marks what it cannot say', async () => {
    await setLanguage('en');
    expect(errorText(faultOf(409, body))).toBe('At least one administrator has to stay active');
    const named = faultOf(400, { error: { code: 'tiers', message: '奖项最多 20 个' } });
    expect(errorText(named)).toBe('The prizes are not right: 奖项最多 20 个');
    const rare = faultOf(409, { error: { code: 'no_such_code', message: '少见的错误' } });
    expect(errorText(rare)).toBe('In Chinese: 少见的错误');
    expect(errorText(new ApiError(0, 'network', ''))).toBe(i18n.t('errors.network'));
  });
  it('an answer that is no fault of ours is told as one', () => {
    const f = faultOf(502, '<html>', 'r9');
    expect([f.code, f.requestId]).toEqual(['bad_answer', 'r9']);
    expect(errorText(f)).toContain('502');
    expect(errorText(faultOf(431, '431 Request Header Fields Too Large'))).toBe(i18n.t('errors.too_long'));
  });
  it('what is no answer at all is a broken page', () => {
    expect(errorText(new TypeError('x is undefined'))).toBe(i18n.t('errors.unexpected'));
  });
});

describe('calls', () => {
  const answer = (status: number, body: unknown) =>
    vi.fn(
      async (_: Request) =>
        new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } }),
    );

  it('writes carry the token of the session and the key; empty filters are not asked', async () => {
    const fetch = answer(200, { data: 1 });
    vi.stubGlobal('fetch', fetch);
    setSession('tok', () => {});
    await call('POST', '/products/{id}', {
      params: { path: { id: 'a/b' }, query: { q: '', n: 0 } },
      body: { x: 1 },
      key: 'k1',
    });
    const sent = fetch.mock.calls[0]?.[0] as Request;
    expect(new URL(sent.url).pathname + new URL(sent.url).search).toBe('/admin/api/v1/products/a%2Fb?n=0');
    expect([sent.headers.get('X-CSRF-Token'), sent.headers.get('Idempotency-Key')]).toEqual(['tok', 'k1']);
  });
  const fault = (status: number, code: string) => answer(status, { error: { code, message: '…' } });
  it('a session that is over is told; a wrong password or code is not', async () => {
    const over = vi.fn();
    setSession('tok', over);
    for (const [path, code] of [
      ['/login', 'login_wrong'],
      ['/me/totp/confirm', 'totp_wrong'],
    ] as const) {
      vi.stubGlobal('fetch', fault(401, code));
      await expect(call('POST', path)).rejects.toBeInstanceOf(ApiError);
    }
    expect(over).not.toHaveBeenCalled();
    vi.stubGlobal('fetch', fault(401, 'not_logged_in'));
    await expect(call('GET', '/me')).rejects.toMatchObject({ code: 'not_logged_in' });
    expect(over).toHaveBeenCalledOnce();
  });
  it('a permission that is gone is told, so that the menu follows', async () => {
    const refused = vi.fn();
    const stop = onRefused(refused);
    vi.stubGlobal('fetch', fault(403, 'no_permission'));
    await expect(call('GET', '/members')).rejects.toBeInstanceOf(ApiError);
    stop();
    await expect(call('GET', '/members')).rejects.toBeInstanceOf(ApiError);
    expect(refused).toHaveBeenCalledOnce();
  });
  it('what a page asks while nobody touches it is no use of the session', async () => {
    vi.useFakeTimers();
    const fetch = answer(200, { data: 1 });
    vi.stubGlobal('fetch', fetch);
    setSession('tok', () => {});
    noteInput();
    await call('GET', '/jobs/summary');
    const used = lastAnswer();
    vi.advanceTimersByTime(61_000);
    await call('GET', '/jobs/summary');
    expect(lastAnswer()).toBe(used);
    noteInput();
    await call('GET', '/jobs/summary');
    expect(lastAnswer()).toBe(used + 61_000);
    expect(fetch.mock.calls.map(([r]) => r.headers.get('X-Background'))).toEqual([null, '1', null]);
    vi.useRealTimers();
  });
  it('a change says how old what its form was filled with is', async () => {
    const fetch = answer(200, { data: 1 });
    vi.stubGlobal('fetch', fetch);
    await call('PUT', '/brands/1', { seen: Date.now() - 90_000 });
    await call('PUT', '/brands/1');
    const [old, none] = fetch.mock.calls.map(([r]) => r.headers.get('X-Seen-Ago-Ms'));
    expect(Number(old)).toBeGreaterThanOrEqual(90_000);
    expect(none).toBeNull();
  });
  it('a broken line says so', async () => {
    vi.stubGlobal('fetch', vi.fn().mockRejectedValue(new TypeError('Failed to fetch')));
    await expect(call('GET', '/me')).rejects.toMatchObject({ code: 'network', status: 0 });
  });
});
