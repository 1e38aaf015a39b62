import { InputNumber } from 'antd';
import { type ComponentProps, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { formatCount, parseCount } from './money';
import { Refused } from './Refused';

type Props = Omit<ComponentProps<typeof InputNumber<number>>, 'parser' | 'stringMode' | 'min' | 'max' | 'value'> & {
  min?: number;
  max?: number;
  value?: number | null;
};

/** NumberInput is an input of numbers as people here type them: １２, 12,000 and 1.2万. A number
 * beyond min and max or with more decimals than `precision` (0: whole numbers) stays as it was
 * typed and is marked; no form takes it then (see `unread`). What it gives is whole at every
 * key even so. For Form.Item. */
export function NumberInput({ onChange, precision = 0, min, max, value, ...rest }: Props) {
  const { t } = useTranslation('app');
  // What was typed and is not taken, and what the form got instead
  const [odd, setOdd] = useState<{ typed: number; gave: number; why: string } | null>(null);
  const bad = odd && odd.gave === value ? odd : null;
  const judge = (n: number): string => {
    if (min !== undefined && n < min) return t('form.atLeast', { n: text(min) });
    if (max !== undefined && n > max) return t('form.atMost', { n: text(max) });
    if (round(n, precision) === n) return '';
    return precision === 0 ? t('form.whole') : t('form.decimals', { count: precision });
  };
  const give = (n: number | null) => {
    const why = typeof n === 'number' ? judge(n) : '';
    const gave = typeof n === 'number' ? round(n, precision) : n;
    setOdd(why ? { typed: n as number, gave: gave as number, why } : null);
    onChange?.(gave);
  };
  return (
    <>
      <InputNumber<number>
        {...rest}
        // With limits it would put them in the place of what was typed.
        {...(bad ? { status: 'error', 'data-unread': true } : { min, max })}
        value={bad ? bad.typed : value}
        parser={(typed) => parseCount(typed ?? '') as unknown as number}
        onChange={give}
        onInput={(typed) => {
          rest.onInput?.(typed);
          // It says nothing of a number beyond its limits until the field is left.
          const n = typed.trim() === '' ? Number.NaN : Number(parseCount(typed));
          if (!bad && (n < (min ?? n) || n > (max ?? n))) give(n);
        }}
      />
      {bad ? <Refused why={bad.why} /> : null}
    </>
  );
}

function round(n: number, precision: number): number {
  return Number.isFinite(n) ? Number(n.toFixed(Math.min(precision, 20))) : n;
}

function text(n: number): string {
  return Number.isInteger(n) ? formatCount(n) : String(n);
}
