import { ArrowDownOutlined, ArrowUpOutlined, DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { Button, Checkbox, Segmented, Select } from 'antd';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { LeafForm } from './leaves';
import { add, change, condition, emptyGroup, type Group, isGroup, limits, measure, move, type Part } from './parts';
import { newSalt } from './sets';
import { useSource } from './source';
import type { Leaf } from './types';
import './builder.css';

type Acts = { root: Group; change: (root: Group) => void };

/** RuleBuilder is where somebody says who is meant. */
export function RuleBuilder({ value, onChange }: { value: Group; onChange: (root: Group) => void }) {
  const { t } = useTranslation('audience');
  const size = measure(value);
  const over =
    size.leaves > limits.leaves ||
    size.depth > limits.depth ||
    size.behaviours > limits.behaviours ||
    size.segments > limits.segments;
  return (
    <div className="rule">
      <GroupBox group={value} depth={1} acts={{ root: value, change: onChange }} />
      <p className={over ? 'rule-over' : 'muted'} role={over ? 'alert' : undefined}>
        {t('rule.size', {
          ...size,
          maxLeaves: limits.leaves,
          maxBehaviours: limits.behaviours,
          maxDepth: limits.depth,
        })}
      </p>
    </div>
  );
}

function GroupBox({ group, depth, acts }: { group: Group; depth: number; acts: Acts }) {
  const { t } = useTranslation('audience');
  const name = useId();
  const set = (to: Partial<Group>) => acts.change(change(acts.root, group.id, (p) => ({ ...p, ...to }) as Part));
  return (
    <fieldset className={group.not ? 'rule-group rule-not' : 'rule-group'} aria-labelledby={name}>
      <legend id={name} className="rule-legend">
        {t(depth === 1 ? 'rule.whole' : 'rule.group')}
      </legend>
      <div className="rule-head">
        <Segmented
          size="small"
          value={group.op}
          options={[
            { value: 'all', label: t('rule.all') },
            { value: 'any', label: t('rule.any') },
          ]}
          onChange={(op) => set({ op: op as Group['op'] })}
        />
        {depth > 1 ? (
          <Checkbox checked={group.not} onChange={(e) => set({ not: e.target.checked })}>
            {t('rule.not')}
          </Checkbox>
        ) : null}
      </div>
      {group.parts.length === 0 && depth === 1 ? <p className="muted">{t('rule.everybody')}</p> : null}
      {group.parts.map((p, at) => (
        <div key={p.id}>
          {at > 0 ? <div className="rule-join">{t(group.op === 'all' ? 'rule.and' : 'rule.or')}</div> : null}
          <Row part={p} at={at} count={group.parts.length} depth={depth} acts={acts} />
        </div>
      ))}
      <div className="rule-head">
        <AddCondition onAdd={(leaf) => acts.change(add(acts.root, group.id, condition(leaf)))} />
        {depth < limits.depth - 1 ? (
          <Button
            icon={<PlusOutlined />}
            onClick={() => acts.change(add(acts.root, group.id, emptyGroup(group.op === 'all' ? 'any' : 'all')))}
          >
            {t('rule.addGroup')}
          </Button>
        ) : null}
      </div>
    </fieldset>
  );
}

type RowProps = { part: Part; at: number; count: number; depth: number; acts: Acts };

function Row({ part, at, count, depth, acts }: RowProps) {
  const { t } = useTranslation('audience');
  const set = (to: (p: Part) => Part | null) => acts.change(change(acts.root, part.id, to));
  const tools = (
    <span className="rule-tools">
      {count > 1 ? (
        <>
          <Button
            type="text"
            size="small"
            icon={<ArrowUpOutlined />}
            aria-label={t('rule.up', { n: at + 1 })}
            disabled={at === 0}
            onClick={() => acts.change(move(acts.root, part.id, -1))}
          />
          <Button
            type="text"
            size="small"
            icon={<ArrowDownOutlined />}
            aria-label={t('rule.down', { n: at + 1 })}
            disabled={at === count - 1}
            onClick={() => acts.change(move(acts.root, part.id, 1))}
          />
        </>
      ) : null}
      <Button
        type="text"
        size="small"
        icon={<DeleteOutlined />}
        aria-label={t('rule.remove', { n: at + 1 })}
        onClick={() => set(() => null)}
      />
    </span>
  );
  if (isGroup(part)) {
    return (
      <div className="rule-row">
        <GroupBox group={part} depth={depth + 1} acts={acts} />
        {tools}
      </div>
    );
  }
  return (
    <div className={part.not ? 'rule-row rule-not' : 'rule-row'}>
      <div className="rule-words">
        <Checkbox checked={part.not} onChange={(e) => set((p) => ({ ...p, not: e.target.checked }))}>
          {t('rule.notThis')}
        </Checkbox>
        <LeafForm leaf={part.leaf} onChange={(leaf) => set((p) => ({ ...p, leaf }) as Part)} />
      </div>
      {tools}
    </div>
  );
}

/** AddCondition is a list of all that can be said, found by typing. */
function AddCondition({ onAdd }: { onAdd: (leaf: Leaf) => void }) {
  const { t } = useTranslation('audience');
  const source = useSource();
  const [word, setWord] = useState('');
  const attrs = source.attrs.map((a) => ({
    value: `attr:${a.name}`,
    label: t(`rule.attr.${a.name}`, { defaultValue: a.title }),
  }));
  const people = ['leader', 'has_referrer', 'referees'];
  const relation = (o: { value: string }) => people.includes(o.value.slice('attr:'.length));
  const groups = [
    {
      label: t('rule.kind.did'),
      options: source.acts.map((a) => ({
        value: `did:${a.what}`,
        label: t(`rule.acts.${a.what}`, { defaultValue: a.title }),
      })),
    },
    { label: t('rule.kind.order'), options: [{ value: 'sequence:', label: t('rule.sequence') }] },
    { label: t('rule.kind.tag'), options: source.tags.map((o) => ({ value: `tag:${o.value}`, label: o.label })) },
    { label: t('rule.kind.attr'), options: attrs.filter((o) => !relation(o)) },
    { label: t('rule.kind.people'), options: attrs.filter(relation) },
    {
      label: t('rule.kind.segment'),
      options: source.segments.map((o) => ({ value: `segment:${o.value}`, label: o.label })),
    },
    { label: t('rule.kind.list'), options: source.lists.map((o) => ({ value: `list:${o.value}`, label: o.label })) },
    { label: t('rule.kind.random'), options: [{ value: 'random:', label: t('rule.random') }] },
  ].filter((g) => g.options.length > 0);
  const made = (choice: string): Leaf => {
    const at = choice.indexOf(':');
    const kind = choice.slice(0, at);
    const what = choice.slice(at + 1);
    switch (kind) {
      case 'did':
        return { did: { what, op: 'gte', values: [1], within_days: 30 } };
      case 'sequence': {
        const first = source.acts[0]?.what ?? 'bought';
        return { sequence: { steps: [{ what: first }, { what: first }], within_days: 30 } };
      }
      case 'tag':
        return { tag: { id: what, op: 'has' } };
      case 'segment':
        return { segment: { id: what } };
      case 'list':
        return { list: { id: what } };
      case 'random':
        return { random: { salt: newSalt(), from: 0, until: 1000 } };
      default: {
        const op = source.attrs.find((a) => a.name === what)?.ops[0] ?? 'in';
        return { attr: { name: what, op, values: op === 'known' || op === 'unknown' ? undefined : [] } };
      }
    }
  };
  return (
    <Select<string>
      aria-label={t('rule.add')}
      className="rule-add"
      placeholder={t('rule.add')}
      value={null as never}
      searchValue={word}
      showSearch={{ optionFilterProp: 'label', onSearch: setWord }}
      options={groups}
      onSelect={(choice: string) => {
        setWord('');
        onAdd(made(choice));
      }}
      popupMatchSelectWidth={320}
    />
  );
}
