// A member is written in one way; 尾号 are the last digits of a telephone, to operators.
import { expect, it } from 'vitest';

const chinese = import.meta.glob<object>(['../areas/*/zh-CN.json', './zh-CN.json'], { eager: true, import: 'default' });
const english = import.meta.glob<object>(['../areas/*/en.json', './en.json'], { eager: true, import: 'default' });

const leaves = (of: object): string[] =>
  Object.values(of).flatMap((v) => (typeof v === 'string' ? [v] : leaves(v as object)));
const texts = (of: Record<string, object>) => Object.values(of).flatMap(leaves);

it('the end of a number stands behind 会员 …', () => {
  // Operators have numbers too.
  const named = texts(chinese).filter((x) => x.includes('{{tail}}') && !x.includes('操作员'));
  expect(named.length).toBeGreaterThan(2);
  expect(named.filter((x) => !x.includes('会员 …{{tail}}'))).toEqual([]);
  expect(texts(english).filter((x) => x.includes('{{tail}}') && !/perator|ember …\{\{tail}}/.test(x))).toEqual([]);
});
it('尾号 is said of telephones alone', () => {
  expect(texts(chinese).filter((x) => x.includes('尾号') && !x.includes('手机'))).toEqual([]);
});
