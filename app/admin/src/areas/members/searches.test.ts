import { expect, it } from 'vitest';
import { kindOf, wordOf } from './searches';

it.each([
  ['phone_tail', ' 139 1111 0003 ', 'phone', '13911110003'],
  ['phone_tail', '１３９１１１１０００３', 'phone', '13911110003'],
  ['phone_tail', '+86 139-1111-0003', 'phone', '+86139-1111-0003'],
  ['phone_tail', '\u202d139 1111 0003\u202c', 'phone', '13911110003'],
  ['phone', '0003', 'phone_tail', '0003'],
  ['phone_tail', '００03', 'phone_tail', '0003'],
  ['phone_tail', 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o', 'openid', 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o'],
  ['phone_tail', '250345628553461779', 'id', '250345628553461779'],
  ['phone_tail', '00D6QSHRJCVXV63M', 'code', '00D6QSHRJCVXV63M'],
  ['openid', 'https://q.brand.cn/q/00D6QSHRJCVXV63M ', 'code', 'https://q.brand.cn/q/00D6QSHRJCVXV63M'],
  ['phone_tail', '872198', 'id', '872198'], // as pages show a member
  ['phone', '138', 'phone', '138'],
  ['code', 'broken', 'code', 'broken'],
] as const)('%s: “%s” is looked up as %s', (chosen, word, kind, sent) => {
  expect(kindOf(chosen, word)).toBe(kind);
  expect(wordOf(kind, word)).toBe(sent);
});
