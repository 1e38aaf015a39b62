import { describe, expect, it } from 'vitest';
import { add, change, condition, emptyGroup, fromTree, incomplete, isGroup, measure, move, toTree } from './parts';
import type { Tree } from './types';

const tree: Tree = {
  v: 1,
  root: {
    all: [
      { did: { what: 'bought', product_ids: ['7'], op: 'gte', values: [1] } },
      {
        not: {
          any: [{ tag: { id: '3', op: 'has' } }, { not: { attr: { name: 'stage', op: 'in', values: ['lost'] } } }],
        },
      },
      { not: { segment: { id: '9' } } },
    ],
  },
};

describe('a rule in the editor', () => {
  it('is the same rule when nothing was changed', () => {
    expect(toTree(fromTree(tree))).toEqual(tree);
  });
  it('one condition alone becomes a group of it', () => {
    const one: Tree = { v: 1, root: { tag: { id: '3', op: 'has' } } };
    expect(toTree(fromTree(one))).toEqual({ v: 1, root: { all: [{ tag: { id: '3', op: 'has' } }] } });
  });
  it('not of not is nothing', () => {
    const twice: Tree = { v: 1, root: { not: { not: { all: [{ list: { id: '1' } }] } } } };
    expect(toTree(fromTree(twice))).toEqual({ v: 1, root: { all: [{ list: { id: '1' } }] } });
  });
  it('without conditions means everybody, and empty groups do not count', () => {
    const root = emptyGroup();
    expect(toTree(root)).toEqual({ v: 1, root: { all: [] } });
    expect(toTree(add(root, root.id, emptyGroup('any')))).toEqual({ v: 1, root: { all: [] } });
  });
  it('what is added, turned round, moved and taken out is where it should be', () => {
    const root = emptyGroup();
    const a = condition({ list: { id: '1' } });
    const b = condition({ list: { id: '2' } });
    let now = add(add(root, root.id, a), root.id, b);
    now = change(now, a.id, (p) => ({ ...p, not: true }));
    now = move(now, b.id, -1);
    expect(toTree(now).root).toEqual({ all: [{ list: { id: '2' } }, { not: { list: { id: '1' } } }] });
    expect(move(now, b.id, -1)).toEqual(now);
    expect(toTree(change(now, b.id, () => null)).root).toEqual({ all: [{ not: { list: { id: '1' } } }] });
  });
  it('rows keep their identity while others change', () => {
    const root = fromTree(tree);
    const [first, second] = root.parts;
    if (!first || !second) throw new Error('parts');
    const now = change(root, first.id, (p) => ({ ...p, not: true }));
    expect(now.parts[1]).toBe(second);
    expect(now.parts[0]?.id).toBe(first.id);
  });
  it('knows its size', () => {
    expect(measure(fromTree(tree))).toEqual({ depth: 3, leaves: 4, behaviours: 1, segments: 1 });
  });
  it('knows what is missing', () => {
    expect(incomplete(fromTree(tree))).toBe(false);
    expect(incomplete(condition({ tag: { id: '', op: 'has' } }))).toBe(true);
    expect(incomplete(condition({ attr: { name: 'r', op: 'between', values: ['1'] } }))).toBe(true);
    expect(incomplete(condition({ did: { what: 'bought', op: 'gte', values: [] } }))).toBe(true);
    const others = { what: 'bought', op: 'gte', values: [1] };
    expect(incomplete(condition({ did: { ...others, except_product_ids: [] } }))).toBe(true);
    expect(incomplete(condition({ did: { ...others, except_product_ids: ['7'] } }))).toBe(false);
    expect(incomplete(condition({ random: { salt: 'a', from: 0, until: 0 } }))).toBe(true);
  });
  it('a group is told from a condition', () => {
    expect(isGroup(emptyGroup())).toBe(true);
    expect(isGroup(condition({ list: { id: '1' } }))).toBe(false);
  });
});
