// The small forms of conditions, each reading like the words of a sentence.
import { DidForm, SequenceForm } from './acts';
import { AttrForm, TagForm } from './facts';
import { ListForm, RandomForm, SegmentForm } from './sets';
import type { Leaf } from './types';

/** One condition, whatever its kind. */
export function LeafForm({ leaf, onChange }: { leaf: Leaf; onChange: (leaf: Leaf) => void }) {
  if (leaf.tag) return <TagForm value={leaf.tag} onChange={(tag) => onChange({ tag })} />;
  if (leaf.attr) return <AttrForm value={leaf.attr} onChange={(attr) => onChange({ attr })} />;
  if (leaf.did) return <DidForm value={leaf.did} onChange={(did) => onChange({ did })} />;
  if (leaf.sequence) return <SequenceForm value={leaf.sequence} onChange={(sequence) => onChange({ sequence })} />;
  if (leaf.segment) return <SegmentForm value={leaf.segment} onChange={(segment) => onChange({ segment })} />;
  if (leaf.list) return <ListForm value={leaf.list} onChange={(list) => onChange({ list })} />;
  if (leaf.random) return <RandomForm value={leaf.random} onChange={(random) => onChange({ random })} />;
  return null;
}
