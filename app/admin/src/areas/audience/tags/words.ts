// Words and small facts about tags that several of their pages share.
import { useTranslation } from 'react-i18next';
import { type Data, type Row, useGet, useList } from '@/api';
import { useCan, useMe } from '@/app/session';
import { tail } from '@/ui';

export type Tag = Row<'/tags'>;
export type TagDetail = Data<'get', '/tags/{id}'>;
export type Branch = Data<'get', '/tags/tree'>[number];

export const classes = ['basic', 'social', 'consumption', 'activity', 'interest'] as const;
export const kinds = ['fact', 'rule', 'model'] as const;
export const states = ['requested', 'built', 'pending', 'running', 'retired'] as const;
/** How often everybody may be computed anew, in minutes; 0: by events only. */
export const refreshes = [0, 60, 360, 1440, 10080] as const;
export const roleKeys = ['operations', 'approver', 'finance', 'support', 'analyst', 'legal'] as const;

/** Words of the states of a tag. */
export function useTagStates(): Record<string, string> {
  const { t } = useTranslation('audience');
  return Object.fromEntries(states.map((s) => [s, t(`tag.state.${s}`)]));
}

/** useOperators tells the names of operators to who may read them; others know themselves and
 * those that came with what they look at. */
export function useOperators(given: Readonly<Record<string, string>> = {}): {
  name: (id: string | null | undefined) => string;
  options: Option[];
} {
  const { t } = useTranslation('audience');
  const may = useCan()('operator:read');
  const { me } = useMe();
  const all = useList('/operators', { params: { query: { limit: '100' } }, enabled: may });
  const known = new Map(Object.entries(given));
  for (const o of all.data?.data ?? []) known.set(o.id ?? '', o.name);
  known.set(me.operator.id, me.operator.name);
  return {
    name: (id) => (!id ? '—' : (known.get(id) ?? t('tag.operator', { tail: tail(id) }))),
    options: [...known].map(([value, label]) => ({ value: value ?? '', label })),
  };
}

type Option = { value: string; label: string };

/** useFieldTitle tells what the field is called that a fact's values are taken from. */
export function useFieldTitle(
  brand: string,
  d: { source: string; event_type: string; field: string } | undefined,
): string {
  const named = Boolean(brand && d?.field);
  const offered = useGet('/tags/sources', { params: { query: { brand_id: brand } }, enabled: named }).data;
  if (!d?.field) return '';
  const list =
    d.source === 'profile' ? offered?.profiles : offered?.events.find((e) => e.type === d.event_type)?.fields;
  return list?.find((f) => f.name === d.field)?.title || d.field;
}

/** useTree reads the five classes with their categories. */
export function useTree(brand: string): readonly Branch[] {
  return useGet('/tags/tree', { params: { query: { brand_id: brand } }, enabled: Boolean(brand) }).data ?? [];
}

/** useTreeSeen is when the tree was read. */
export function useTreeSeen(brand: string): number {
  return useGet('/tags/tree', { params: { query: { brand_id: brand } }, enabled: Boolean(brand) }).dataUpdatedAt;
}

/** pathOf is where a tag hangs: class, category, below it. */
export function pathOf(
  tree: readonly Branch[],
  at: { class: string; category_id: string | null },
  word: (key: string) => string,
): string {
  const found = tree.find((b) => b.class === at.class);
  const walk = (list: readonly Branch[]): string[] | null => {
    for (const b of list) {
      if (b.category_id === at.category_id) return [b.name];
      const below = walk(b.branches);
      if (below) return [b.name, ...below];
    }
    return null;
  };
  const below = at.category_id && found ? walk(found.branches) : null;
  return [word(`tag.class.${at.class}`), ...(below ?? [])].join(' / ');
}

/** In a field: directly under the class. */
export const none = 'none';

/** places are the branches of one class that a tag may hang on, the class itself first. */
export function places(tree: readonly Branch[], of: string, whole: string): Option[] {
  const walk = (list: readonly Branch[], before: string): Option[] =>
    list.flatMap((b) => [
      { value: b.category_id ?? '', label: before + b.name },
      ...walk(b.branches, `${before}${b.name} / `),
    ]);
  return [{ value: none, label: whole }, ...walk(tree.find((b) => b.class === of)?.branches ?? [], '')];
}
