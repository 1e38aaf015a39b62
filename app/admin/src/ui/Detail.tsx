import { Descriptions } from 'antd';
import type { ReactNode } from 'react';

export type DetailItem = { label: ReactNode; value: ReactNode /** over the whole width */; wide?: boolean };

/** Detail lists what is known of one thing, in two or three columns, one on a phone. */
export function Detail({
  items,
  columns = 3,
}: {
  items: readonly (DetailItem | false | null | undefined)[];
  columns?: 1 | 2 | 3;
}) {
  return (
    <Descriptions
      size="small"
      column={{ xs: 1, sm: 1, md: Math.min(2, columns), lg: columns, xl: columns, xxl: columns }}
      items={items
        .filter((i): i is DetailItem => Boolean(i))
        .map((i, n) => ({
          key: n,
          label: i.label,
          children:
            i.value === null || i.value === undefined || i.value === '' ? <span className="muted">—</span> : i.value,
          span: i.wide ? ('filled' as const) : 1,
        }))}
    />
  );
}
