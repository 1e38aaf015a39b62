import { afterEach, describe, expect, it, vi } from 'vitest';
import i18n from '@/i18n';
import { call, setSession } from './client';
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
  it('another language translates by code, and has the server’s words where it has none', async () => {
    i18n.addResourceBundle('en', 'app', { errors: { last_admin: 'One administrator must stay' } }, true, true);
    await i18n.changeLanguage('en');
    expect(errorText(faultOf(409, body))).toBe('One administrator must stay');
    expect(errorText(faultOf(409, { error: { code: 'rare', message: '少见的错误' } }))).toBe('少见的错误');
  });
  it('an answer that is no fault of ours is told as one', () => {
    const f = faultOf(502, '<html>', 'r9');
    expect([f.code, f.requestId]).toEqual(['bad_answer', 'r9']);
    expect(errorText(f)).toContain('502');
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
  it('a session that is over leads to the log-in; a wrong password does not', async () => {
    const over = vi.fn();
    setSession('tok', over);
    vi.stubGlobal('fetch', answer(401, { error: { code: 'not_logged_in', message: '请先登录' } }));
    await expect(call('POST', '/login')).rejects.toBeInstanceOf(ApiError);
    expect(over).not.toHaveBeenCalled();
    await expect(call('GET', '/me')).rejects.toMatchObject({ code: 'not_logged_in' });
    expect(over).toHaveBeenCalledOnce();
  });
  it('a broken line says so', async () => {
    vi.stubGlobal('fetch', vi.fn().mockRejectedValue(new TypeError('Failed to fetch')));
    await expect(call('GET', '/me')).rejects.toMatchObject({ code: 'network', status: 0 });
  });
});
