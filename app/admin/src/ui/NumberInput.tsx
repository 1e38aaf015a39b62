import { InputNumber } from 'antd';
import type { ComponentProps } from 'react';
import { parseCount } from './money';

type Props = Omit<ComponentProps<typeof InputNumber<number>>, 'parser' | 'stringMode'>;

/** NumberInput is an input of whole numbers as people here type them: １２, 12,000 and 1.2万.
 * Its value is whole at every key, not only once the field is left. For Form.Item. */
export function NumberInput({ onChange, precision = 0, ...rest }: Props) {
  return (
    <InputNumber<number>
      {...rest}
      precision={precision}
      parser={(text) => parseCount(text ?? '') as unknown as number}
      onChange={(n) => onChange?.(typeof n === 'number' && precision === 0 ? Math.round(n) : n)}
    />
  );
}
