import { DatePicker } from 'antd';
import dayjs from 'dayjs';
import type { ComponentProps } from 'react';
import { formatTime, instantOf } from './time';

type Props = {
  value?: string | null;
  onChange?: (at: string | null) => void;
  id?: string;
  disabled?: boolean;
  placeholder?: string;
  /** Day only; the value is its beginning. */
  day?: boolean;
  presets?: ComponentProps<typeof DatePicker>['presets'];
  'aria-label'?: string;
};

/** TimeInput picks a moment of Shanghai whatever the browser's zone; its value is RFC 3339,
 * null for none. For Form.Item. */
export function TimeInput({ value, onChange, day = false, ...rest }: Props) {
  const wall = formatTime(value, true);
  return (
    <DatePicker
      {...rest}
      style={{ width: '100%' }}
      showTime={day ? false : { format: 'HH:mm' }}
      format={day ? 'YYYY-MM-DD' : 'YYYY-MM-DD HH:mm'}
      value={wall ? dayjs(wall) : null}
      onChange={(at) => {
        const picked = Array.isArray(at) ? at[0] : at;
        onChange?.(picked ? instantOf(picked.format(day ? 'YYYY-MM-DD' : 'YYYY-MM-DD HH:mm:ss')) : null);
      }}
    />
  );
}
