import { Input } from 'antd';
import { type ComponentProps, useEffect, useState } from 'react';
import { formatFen, parseYuan, yuanText } from './money';

/** Money shows fen as ¥1,234.50. */
export function Money({ fen }: { fen: number | string | null | undefined }) {
  const text = formatFen(fen);
  return <span className="nums">{text || '—'}</span>;
}

type MoneyInputProps = Omit<ComponentProps<typeof Input>, 'value' | 'onChange'> & {
  value?: number | null;
  onChange?: (fen: number | null) => void;
};

/** MoneyInput is an input in yuan whose value is fen: for Form.Item. What is no amount is
 * null, which `required` refuses. */
export function MoneyInput({ value, onChange, ...rest }: MoneyInputProps) {
  const [text, setText] = useState(yuanText(value));
  useEffect(() => {
    // Not while somebody types 12. on the way to 12.5
    setText((old) => (parseYuan(old) === (value ?? null) ? old : yuanText(value)));
  }, [value]);
  return (
    <Input
      prefix="¥"
      inputMode="decimal"
      {...rest}
      value={text}
      onChange={(e) => {
        setText(e.target.value);
        onChange?.(parseYuan(e.target.value));
      }}
      onBlur={(e) => {
        setText(yuanText(value) || text);
        rest.onBlur?.(e);
      }}
    />
  );
}
