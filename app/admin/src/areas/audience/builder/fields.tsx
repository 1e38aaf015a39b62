// Inputs that several kinds of condition share.
import { Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { NumberInput } from '@/ui';
import { needed } from './parts';
import { type Choice, useSource } from './source';
import type { Leaf } from './types';

/** A condition's form changes its words and nothing else. */
export type Form<K extends keyof Leaf> = { value: NonNullable<Leaf[K]>; onChange: (v: NonNullable<Leaf[K]>) => void };

/** named keeps what was chosen in the choices, also when a search does not find it. */
export function named(choices: readonly Choice[], chosen: readonly string[], gone: string): Choice[] {
  const have = new Set(choices.map((c) => c.value));
  return [...choices, ...chosen.filter((v) => v && !have.has(v)).map((value) => ({ value, label: gone }))];
}

export function Op({
  value,
  ops,
  onChange,
}: {
  value: string;
  ops: readonly string[];
  onChange: (op: string) => void;
}) {
  const { t } = useTranslation('audience');
  return (
    <Select
      aria-label={t('rule.op')}
      value={value}
      options={ops.map((op) => ({ value: op, label: t(`rule.ops.${op}`) }))}
      onChange={onChange}
      popupMatchSelectWidth={false}
    />
  );
}

type NumbersProps = {
  op: string;
  values: readonly (number | null | undefined)[];
  onChange: (values: number[]) => void;
  unit?: string;
  min?: number;
  max?: number;
  money?: boolean;
};

/** One number, or two for "between". Money is typed in yuan and kept in fen. */
export function Numbers({ op, values, onChange, unit, min = 0, max, money }: NumbersProps) {
  const { t } = useTranslation('audience');
  const many = needed(op);
  const shown = (v: number | null | undefined) => (v === null || v === undefined || !money ? v : v / 100);
  const set = (at: number, v: number | null) => {
    const next = Array.from({ length: many }, (_, i) => values[i] ?? null);
    next[at] = v === null ? null : money ? Math.round(v * 100) : v;
    onChange(next as number[]);
  };
  return (
    <>
      {Array.from({ length: many }, (_, at) => (
        // The first and the second number: there is nothing else to know them by.
        // biome-ignore lint/suspicious/noArrayIndexKey: places are fixed
        <span key={at} className="rule-number">
          {at > 0 ? <span className="muted">{t('rule.to')}</span> : null}
          <NumberInput
            aria-label={at > 0 ? t('rule.upTo') : t('rule.number')}
            value={shown(values[at]) as number}
            min={min}
            max={max}
            precision={money ? 2 : 0}
            onChange={(v) => set(at, v)}
          />
        </span>
      ))}
      {unit && many > 0 ? <span className="muted">{unit}</span> : null}
    </>
  );
}

export function Products({
  value: given,
  placeholder,
  onChange,
}: {
  value: readonly (string | null)[];
  placeholder?: string;
  onChange: (ids: string[]) => void;
}) {
  const { t } = useTranslation('audience');
  const { products, findProducts } = useSource();
  const value = given.filter((v) => v !== null);
  return (
    <Select
      aria-label={t('rule.products')}
      className="rule-wide"
      mode="multiple"
      maxTagCount="responsive"
      placeholder={placeholder ?? t('rule.anyProduct')}
      value={[...value]}
      showSearch={{ filterOption: false, onSearch: findProducts }}
      options={named(products, value, t('rule.gone'))}
      onChange={onChange}
    />
  );
}
