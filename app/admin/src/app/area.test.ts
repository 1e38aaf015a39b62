import { describe, expect, it } from 'vitest';
import { entryOf, granted } from './area';
import { safeReturn } from './Login';
import { loginAddress } from './session';

describe('menu and permissions', () => {
  it('one of several permissions is enough, none wanted is free', () => {
    expect(granted(['a'], ['a', 'b'])).toBe(true);
    expect(granted(['c'], ['a', 'b'])).toBe(false);
    expect(granted([], undefined)).toBe(true);
    expect(granted([], 'a')).toBe(false);
  });
  it('a page belongs to the longest entry it begins with', () => {
    const entries = [{ path: '/' }, { path: '/goods' }, { path: '/goods/codes' }];
    expect(entryOf(entries, '/goods/codes/7')?.path).toBe('/goods/codes');
    expect(entryOf(entries, '/goods/7')?.path).toBe('/goods');
    expect(entryOf(entries, '/goodsandmore')).toBeUndefined();
    expect(entryOf(entries, '/')?.path).toBe('/');
  });
});

describe('the way back after a log-in', () => {
  it('is the page somebody was on', () => {
    expect(loginAddress({ pathname: '/money/payouts', search: '?state=failed' })).toBe(
      '/login?to=%2Fmoney%2Fpayouts%3Fstate%3Dfailed',
    );
  });
  it.each(['https://evil.example', '//evil.example', '/\\evil.example', '/login?to=/login', null])('never %s', (to) =>
    expect(safeReturn(to)).toBe('/'),
  );
});
