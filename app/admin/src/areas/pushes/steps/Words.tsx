import { Button, Input } from 'antd';
import type { TextAreaRef } from 'antd/es/input/TextArea';
import { useRef } from 'react';
import { useTranslation } from 'react-i18next';

type Props = {
  value?: string;
  onChange?: (text: string) => void;
  id?: string;
  /** What a click puts in where the cursor stands: the text of the button and what it inserts. */
  inserts: readonly { label: string; text: string; about?: string }[];
  maxLength: number;
  rows?: number;
  label: string;
};

/** Words is a text with variables, which a click puts in at the cursor. */
export function Words({ value = '', onChange, id, inserts, maxLength, rows = 4, label }: Props) {
  const { t } = useTranslation('pushes');
  const box = useRef<TextAreaRef>(null);
  const put = (text: string) => {
    const area = box.current?.resizableTextArea?.textArea;
    const from = area?.selectionStart ?? value.length;
    const to = area?.selectionEnd ?? from;
    onChange?.(value.slice(0, from) + text + value.slice(to));
    requestAnimationFrame(() => {
      area?.focus();
      area?.setSelectionRange(from + text.length, from + text.length);
    });
  };
  return (
    <>
      <Input.TextArea
        ref={box}
        id={id}
        aria-label={label}
        value={value}
        onChange={(e) => onChange?.(e.target.value)}
        rows={rows}
        maxLength={maxLength}
      />
      <div className="push-count muted">
        {value.length} / {maxLength}
      </div>
      {inserts.length > 0 ? (
        <div className="push-inserts">
          <span className="muted">{t('what.insert')}</span>
          {inserts.map((x) => (
            <Button key={x.text} size="small" title={x.about} onClick={() => put(x.text)}>
              {x.label}
            </Button>
          ))}
        </div>
      ) : null}
    </>
  );
}
