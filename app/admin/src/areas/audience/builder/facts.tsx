// Conditions on what is known of somebody: his tags and attributes.
import { Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { type Form, Numbers, named, Op } from './fields';
import { needed } from './parts';
import { useSource } from './source';

export function TagForm({ value, onChange }: Form<'tag'>) {
  const { t } = useTranslation('audience');
  const { tags, findTags } = useSource();
  const byScore = ['gte', 'lte', 'between'].includes(value.op);
  return (
    <>
      <span>{t('rule.kind.tag')}</span>
      <Select
        aria-label={t('rule.kind.tag')}
        className="rule-wide"
        value={value.id || undefined}
        placeholder={t('rule.pick')}
        showSearch={{ filterOption: false, onSearch: findTags }}
        options={named(tags, [value.id], t('rule.gone'))}
        onChange={(id) => onChange({ ...value, id })}
      />
      <Op
        value={value.op}
        ops={['has', 'lacks', 'is', 'in', 'gte', 'lte', 'between']}
        onChange={(op) => onChange({ ...value, op, values: undefined })}
      />
      {byScore ? (
        <Numbers
          op={value.op}
          values={(value.values ?? []).map((v) => (v === '' ? null : Number(v)))}
          unit={t('rule.score')}
          onChange={(v) => onChange({ ...value, values: v.map((n) => (n === null ? '' : String(n))) })}
        />
      ) : needed(value.op) > 0 ? (
        <Select
          aria-label={t('rule.values')}
          className="rule-wide"
          mode="tags"
          maxCount={value.op === 'is' ? 1 : 100}
          value={value.values ?? []}
          onChange={(values) => onChange({ ...value, values })}
        />
      ) : null}
    </>
  );
}

export function AttrForm({ value, onChange }: Form<'attr'>) {
  const { t } = useTranslation('audience');
  const { attrs, accounts } = useSource();
  const spec = attrs.find((a) => a.name === value.name);
  if (!spec) return <span>{value.name}</span>;
  const title = t(`rule.attr.${spec.name}`, { defaultValue: spec.title });
  const choices =
    spec.kind === 'account'
      ? accounts
      : spec.choices.map((c) => ({
          value: c.value,
          label: t(`rule.choice.${spec.name}.${c.value}`, { defaultValue: c.title }),
        }));
  const numbers = spec.kind === 'number' && value.op !== 'in';
  return (
    <>
      <span>{title}</span>
      <Op
        value={value.op}
        ops={spec.ops}
        onChange={(op) => onChange({ ...value, op, values: needed(op) === 0 ? undefined : [] })}
      />
      {needed(value.op) === 0 ? null : numbers ? (
        <Numbers
          op={value.op}
          min={spec.min}
          max={spec.max || undefined}
          unit={spec.unit ? t(`rule.unit.${spec.name}`, { defaultValue: spec.unit }) : undefined}
          values={(value.values ?? []).map((v) => (v === '' ? null : Number(v)))}
          onChange={(v) => onChange({ ...value, values: v.map((n) => (n === null ? '' : String(n))) })}
        />
      ) : (
        <Select
          aria-label={title}
          className="rule-wide"
          mode={choices.length > 0 ? 'multiple' : 'tags'}
          placeholder={t('rule.pick')}
          value={value.values ?? []}
          options={
            spec.kind === 'number'
              ? Array.from({ length: Math.min(spec.max - spec.min + 1, 40) }, (_, i) => String(spec.min + i)).map(
                  (n) => ({ value: n, label: n }),
                )
              : [...choices]
          }
          optionFilterProp="label"
          onChange={(values) => onChange({ ...value, values })}
        />
      )}
    </>
  );
}
