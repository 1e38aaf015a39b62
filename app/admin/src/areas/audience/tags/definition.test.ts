import { describe, expect, it } from 'vitest';
import { add, condition } from '../builder/parts';
import { begin, type Case, fromKept, newCase, problem, toKept } from './definition';

const bought = { did: { what: 'bought', op: 'gte', values: [1], within_days: 30 } };
const whole = (value: string): Case => {
  const c = newCase(value);
  return { ...c, root: add(c.root, c.root.id, condition(bought as never)) };
};

describe('the definition of a tag', () => {
  it('comes back as it was kept', () => {
    const d = { ...begin('rule'), cases: [whole('老客'), whole('新客')] };
    expect(toKept(fromKept(toKept(d)))).toEqual(toKept(d));
  });
  it('keeps nothing of a source that was left', () => {
    const d = { ...begin('fact'), choices: ['干眼'], event_type: 'scan', field: 'province' };
    expect(toKept({ ...d, source: 'event' })).toMatchObject({ choices: [], event_type: 'scan', field: 'province' });
    expect(toKept(d)).toMatchObject({ choices: ['干眼'], event_type: '', field: '' });
  });
  it('of a rule is not whole without a condition: everybody would have it', () => {
    expect(problem(begin('rule'))).toBe('tag.needRule');
    expect(problem({ ...begin('rule'), cases: [whole('')] })).toBe('');
  });
  it('with several values names each of them once', () => {
    const of = (...cases: Case[]) => problem({ ...begin('rule'), cases });
    expect(of(whole('a'), whole(''))).toBe('tag.needValue');
    expect(of(whole('a'), whole(' a'))).toBe('tag.sameValue');
    expect(of(whole('a'), whole('b'))).toBe('');
  });
  it('takes no value longer than ten Chinese characters', () => {
    expect(problem({ ...begin('fact'), choices: ['一二三四五六七八九十'] })).toBe('');
    expect(problem({ ...begin('fact'), choices: ['一二三四五六七八九十十'] })).toBe('tag.longValue');
  });
  it('from a profile or an event says which', () => {
    expect(problem({ ...begin('fact'), source: 'profile' })).toBe('tag.needField');
    expect(problem({ ...begin('fact'), source: 'event' })).toBe('tag.needEvent');
  });
});
