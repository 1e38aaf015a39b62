import { CloseCircleOutlined } from '@ant-design/icons';
import { Button, DatePicker, Input, type InputRef, Select } from 'antd';
import dayjs from 'dayjs';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Filter, splitRange, type Values } from './filters';
import { dayOf } from './time';

/** FilterBar shows the filters of a list. `/` goes to the first one; a text counts when
 * Enter is pressed or its field is left, everything else at once. */
export function FilterBar({
  filters,
  values,
  onChange,
}: {
  filters: readonly Filter[];
  values: Values;
  onChange: (values: Values) => void;
}) {
  const { t } = useTranslation('app');
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      const at = event.target as HTMLElement;
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
      if (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName)) return;
      const input = box.current?.querySelector<HTMLElement>('input');
      if (!input) return;
      event.preventDefault();
      input.focus();
    };
    document.addEventListener('keydown', key);
    return () => document.removeEventListener('keydown', key);
  }, []);
  if (filters.length === 0) return null;
  const set = (name: string, v: string) => onChange({ ...values, [name]: v });
  return (
    <search ref={box} className="filters">
      {filters.map((f) => {
        const v = values[f.name] ?? '';
        if (f.kind === 'select') {
          return (
            <Select
              key={f.name}
              aria-label={f.label}
              placeholder={f.placeholder ?? f.label}
              value={v || undefined}
              allowClear
              showSearch={
                f.onSearch
                  ? { filterOption: false, onSearch: f.onSearch }
                  : (f.options?.length ?? 0) > 8
                    ? { optionFilterProp: 'label' }
                    : false
              }
              popupMatchSelectWidth={false}
              style={{ minWidth: f.width ?? 128 }}
              options={f.options?.map((o) => ({ value: o.value, label: o.label }))}
              onChange={(x) => set(f.name, x ?? '')}
            />
          );
        }
        if (f.kind === 'range') {
          const days = splitRange(v);
          const at = (s: string | undefined) => (s ? dayjs(s) : null);
          return (
            <DatePicker.RangePicker
              key={f.name}
              aria-label={f.label}
              placeholder={[`${f.label} ${t('table.from')}`, t('table.to')]}
              value={[at(days?.[0]), at(days?.[1])]}
              allowEmpty={[true, true]}
              presets={[
                { label: t('table.today'), value: [dayjs(dayOf(new Date())), dayjs(dayOf(new Date()))] },
                {
                  label: t('table.week'),
                  value: [dayjs(dayOf(new Date())).subtract(6, 'day'), dayjs(dayOf(new Date()))],
                },
                {
                  label: t('table.month'),
                  value: [dayjs(dayOf(new Date())).subtract(29, 'day'), dayjs(dayOf(new Date()))],
                },
              ]}
              onChange={(range) => {
                const text = `${range?.[0]?.format('YYYY-MM-DD') ?? ''}~${range?.[1]?.format('YYYY-MM-DD') ?? ''}`;
                set(f.name, text === '~' ? '' : text);
              }}
            />
          );
        }
        return <TextFilter key={f.name} filter={f} value={v} onChange={(x) => set(f.name, x)} />;
      })}
      {Object.keys(values).length > 0 ? (
        <Button type="text" icon={<CloseCircleOutlined />} onClick={() => onChange({})}>
          {t('table.clear')}
        </Button>
      ) : null}
    </search>
  );
}

function TextFilter({ filter, value, onChange }: { filter: Filter; value: string; onChange: (v: string) => void }) {
  const [text, setText] = useState(value);
  const input = useRef<InputRef>(null);
  useEffect(() => setText(value), [value]);
  return (
    <Input
      ref={input}
      aria-label={filter.label}
      placeholder={filter.placeholder ?? filter.label}
      allowClear
      style={{ width: filter.width ?? 180 }}
      value={text}
      onChange={(e) => {
        setText(e.target.value);
        if (e.target.value === '' && value !== '') onChange('');
      }}
      onPressEnter={() => text !== value && onChange(text)}
      onBlur={() => text !== value && onChange(text)}
      onKeyDown={(e) => {
        if (e.key === 'Escape') input.current?.blur();
      }}
    />
  );
}
