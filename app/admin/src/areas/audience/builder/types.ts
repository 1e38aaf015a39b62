import type { Data } from '@/api';

/** A rule as the server keeps it. */
export type Tree = Data<'get', '/segments/template'>['tree'];
export type TreeNode = Tree['root'];
/** One condition: exactly one of its fields is there. */
export type Leaf = Omit<TreeNode, 'all' | 'any' | 'not'>;

type Words = Data<'get', '/segments/words'>;
/** What the language offers. */
export type AttrSpec = Words['attrs'][number];
export type ActSpec = Words['acts'][number];
