// What a tag means, as it is edited: the cases of a rule hold the builder's groups in place
// of trees.
import { emptyGroup, fromTree, type Group, incomplete, toTree } from '../builder/parts';
import type { Tree } from '../builder/types';
import type { TagDetail } from './words';

type Kept = TagDetail['versions'][number]['definition'];

export type Case = { id: number; value: string; root: Group };
export type Definition = {
  source: string;
  choices: string[];
  field: string;
  event_type: string;
  cases: Case[];
};

/** Limits that the server holds as well. A value is at most 32 bytes. */
export const limits = { cases: 20, choices: 100, bytes: 32 } as const;

let last = 0;
export const newCase = (value: string): Case => ({ id: ++last, value, root: emptyGroup() });

/** begin is an empty definition of a kind of tag. */
export function begin(kind: string): Definition {
  return {
    source: kind === 'rule' ? 'rule' : kind === 'model' ? 'model' : 'manual',
    choices: [],
    field: '',
    event_type: '',
    cases: kind === 'rule' ? [newCase('')] : [],
  };
}

export function fromKept(d: Kept): Definition {
  return {
    source: d.source,
    choices: [...d.choices],
    field: d.field,
    event_type: d.event_type,
    cases: d.cases.map((c) => ({ id: ++last, value: c.value, root: fromTree(c.tree as Tree) })),
  };
}

/** toKept writes what belongs to the source; what was typed for another one is dropped. */
export function toKept(d: Definition): Kept {
  const choices = d.source === 'manual' || d.source === 'model' ? d.choices : [];
  return {
    source: d.source,
    choices,
    field: d.source === 'profile' || d.source === 'event' ? d.field : '',
    event_type: d.source === 'event' ? d.event_type : '',
    cases: d.source === 'rule' ? d.cases.map((c) => ({ value: c.value.trim(), tree: toTree(c.root) })) : [],
  } as Kept;
}

const tooLong = (v: string) => new TextEncoder().encode(v).length > limits.bytes;

/** problem is what keeps a definition from being saved: a key of the texts, '' for nothing. */
export function problem(d: Definition): string {
  switch (d.source) {
    case 'profile':
      return d.field ? '' : 'tag.needField';
    case 'event':
      return d.event_type ? '' : 'tag.needEvent';
    case 'rule': {
      const values = d.cases.map((c) => c.value.trim());
      if (d.cases.some((c) => c.root.parts.length === 0 || incomplete(c.root))) return 'tag.needRule';
      if (values.length > 1 && values.some((v) => !v)) return 'tag.needValue';
      if (new Set(values).size < values.length) return 'tag.sameValue';
      return values.some(tooLong) ? 'tag.longValue' : '';
    }
    default:
      return d.choices.some(tooLong) ? 'tag.longValue' : '';
  }
}
