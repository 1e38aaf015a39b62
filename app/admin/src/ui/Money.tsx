import { Form, Input } from 'antd';
import { type ComponentProps, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
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

/** MoneyInput is an input in yuan whose value is fen: for Form.Item. What is no amount, or
 * below 0, is null, and the input says so: `required` refuses it, and where none is required
 * the form does (see `unread`), or a slip would be stored as "none". */
export function MoneyInput({ value, onChange, ...rest }: MoneyInputProps) {
  const { t } = useTranslation('app');
  const [text, setText] = useState(yuanText(value));
  const { status } = Form.Item.useStatus();
  const bad = text.trim() !== '' && amountOf(text) === null;
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
        data-unread={bad || undefined}
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
      {bad && status !== 'error' ? (
        <div role="alert" className="ant-form-item-explain-error">
          {t('form.noAmount')}
        </div>
      ) : null}
    </>
  );
}

function amountOf(text: string): number | null {
  const fen = parseYuan(text);
  return fen === null || fen < 0 ? null : fen;
}
