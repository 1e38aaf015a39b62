import { Input } from 'antd';
import { type ComponentProps, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { formatFen, LARGEST, parseYuan, type Unread, unreadYuan, yuanText } from './money';
import { Refused } from './Refused';

/** Money shows fen as ¥1,234.50. */
export function Money({ fen }: { fen: number | string | null | undefined }) {
  const text = formatFen(fen);
  return <span className="nums">{text || '—'}</span>;
}

type MoneyInputProps = Omit<ComponentProps<typeof Input>, 'value' | 'onChange'> & {
  value?: number | null;
  onChange?: (fen: number | null) => void;
};

/** MoneyInput is an input in yuan whose value is fen: for Form.Item. What is no amount, below 0
 * or parts a fen is null, and the input says why: the form refuses it (see `unread`), or a
 * slip would be stored as "none". */
export function MoneyInput({ value, onChange, ...rest }: MoneyInputProps) {
  const { t } = useTranslation('app');
  const [text, setText] = useState(yuanText(value));
  const bad = text.trim() === '' ? null : unreadYuan(text);
  const why: Record<Unread, string> = {
    decimals: t('form.decimals', { count: 2 }),
    huge: t('form.atMost', { n: formatFen(LARGEST) }),
    negative: t('form.atLeast', { n: formatFen(0) }),
    none: t('form.noAmount'),
  };
  useEffect(() => {
    // Not while somebody types 12. on the way to 12.5
    setText((old) => (amountOf(old) === (value ?? null) ? old : yuanText(value)));
  }, [value]);
  return (
    <>
      <Input
        prefix="¥"
        inputMode="decimal"
        {...rest}
        status={bad ? 'error' : rest.status}
        data-unread={bad ? true : undefined}
        value={text}
        onChange={(e) => {
          setText(e.target.value);
          onChange?.(amountOf(e.target.value));
        }}
        onBlur={(e) => {
          setText(yuanText(value) || text);
          rest.onBlur?.(e);
        }}
      />
      {bad ? <Refused why={why[bad]} /> : null}
    </>
  );
}

function amountOf(text: string): number | null {
  return unreadYuan(text) ? null : parseYuan(text);
}
