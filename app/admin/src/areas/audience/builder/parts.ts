// The rule as it is edited: groups and conditions, each of which may be turned round
// ("not"). On the wire a rule is a tree of all, any, not and conditions; here a "not" is a
// mark on what it turns round, because that is how people say it.
import type { Leaf, Tree, TreeNode } from './types';

export type Group = { id: number; not: boolean; op: 'all' | 'any'; parts: Part[] };
export type Condition = { id: number; not: boolean; leaf: Leaf };
export type Part = Group | Condition;

/** Limits that the server holds as well; said before it has to. */
export const limits = { depth: 6, leaves: 60, behaviours: 10, segments: 5 } as const;

let last = 0;
/** Rows keep their identity while they are edited, or a field would lose its focus. */
const newID = () => ++last;

export const isGroup = (p: Part): p is Group => 'op' in p;

export function emptyGroup(op: Group['op'] = 'all'): Group {
  return { id: newID(), not: false, op, parts: [] };
}

export function condition(leaf: Leaf): Condition {
  return { id: newID(), not: false, leaf };
}

/** fromTree reads a rule; a rule that is one condition becomes a group with it. */
export function fromTree(tree: Tree | null | undefined): Group {
  if (!tree) return emptyGroup();
  const part = fromNode(tree.root, false);
  if (isGroup(part)) return part;
  return { ...emptyGroup(), parts: [part] };
}

function fromNode(node: TreeNode, not: boolean): Part {
  if (node.not) return fromNode(node.not, !not);
  if (node.all || node.any) {
    const list = node.all ?? node.any ?? [];
    return { id: newID(), not, op: node.all ? 'all' : 'any', parts: list.map((n) => fromNode(n, false)) };
  }
  const { all: _all, any: _any, not: _not, ...leaf } = node;
  return { id: newID(), not, leaf: leaf as Leaf };
}

/** toTree writes a rule. Groups without conditions are left out, but for the root's: all
 * of nothing is everybody. */
export function toTree(root: Group): Tree {
  return { v: 1, root: nodeOf(root) ?? { all: [] } };
}

function nodeOf(part: Part): TreeNode | null {
  if (!isGroup(part)) return part.not ? { not: part.leaf as TreeNode } : (part.leaf as TreeNode);
  const nodes = part.parts.map(nodeOf).filter((n) => n !== null);
  if (nodes.length === 0) return null;
  const node: TreeNode = part.op === 'all' ? { all: nodes } : { any: nodes };
  return part.not ? { not: node } : node;
}

/** change replaces the part with an id; null takes it out. */
export function change(root: Group, id: number, to: (p: Part) => Part | null): Group {
  const walk = (p: Part): Part | null => {
    if (p.id === id) return to(p);
    if (!isGroup(p)) return p;
    let same = true;
    const parts = p.parts.flatMap((child) => {
      const now = walk(child);
      if (now !== child) same = false;
      return now ? [now] : [];
    });
    return same ? p : { ...p, parts };
  };
  const now = walk(root);
  return now && isGroup(now) ? now : emptyGroup();
}

/** add puts a part at the end of a group. */
export function add(root: Group, group: number, part: Part): Group {
  return change(root, group, (p) => (isGroup(p) ? { ...p, parts: [...p.parts, part] } : p));
}

/** move puts a part one place up or down among its neighbours. */
export function move(root: Group, id: number, by: -1 | 1): Group {
  const walk = (g: Group): Group => {
    const at = g.parts.findIndex((p) => p.id === id);
    if (at >= 0) {
      const to = at + by;
      const one = g.parts[at];
      const other = g.parts[to];
      if (!one || !other) return g;
      const parts = [...g.parts];
      parts[at] = other;
      parts[to] = one;
      return { ...g, parts };
    }
    return { ...g, parts: g.parts.map((p) => (isGroup(p) ? walk(p) : p)) };
  };
  return walk(root);
}

export type Measure = { depth: number; leaves: number; behaviours: number; segments: number };

/** measure counts what the limits are about. */
export function measure(root: Group): Measure {
  const sum: Measure = { depth: 0, leaves: 0, behaviours: 0, segments: 0 };
  const walk = (p: Part, depth: number) => {
    sum.depth = Math.max(sum.depth, depth);
    if (isGroup(p)) {
      for (const child of p.parts) walk(child, depth + 1);
      return;
    }
    sum.leaves++;
    if (p.leaf.did || p.leaf.sequence) sum.behaviours++;
    if (p.leaf.segment) sum.segments++;
  };
  walk(root, 1);
  return sum;
}

/** incomplete tells whether a condition still lacks something: nothing is asked of the
 * server until all are whole. */
export function incomplete(p: Part): boolean {
  if (isGroup(p)) return p.parts.some(incomplete);
  const { tag, attr, did, sequence, segment, list, random } = p.leaf;
  if (tag) return !tag.id || (needed(tag.op) > 0 && (tag.values ?? []).filter(Boolean).length < needed(tag.op));
  if (attr) return needed(attr.op) > 0 && (attr.values ?? []).filter(Boolean).length < needed(attr.op);
  if (did?.except_product_ids?.length === 0) return true;
  if (did) return (did.values ?? []).filter((v) => v !== null && v !== undefined).length < needed(did.op);
  if (sequence) return sequence.steps.length < 2 || sequence.steps.some((s) => !s.what) || !sequence.within_days;
  if (segment) return !segment.id;
  if (list) return !list.id;
  return !random?.salt || random.until <= random.from;
}

/** needed is how many values an operator takes at least. */
export function needed(op: string): number {
  if (['has', 'lacks', 'known', 'unknown'].includes(op)) return 0;
  return op === 'between' ? 2 : 1;
}
