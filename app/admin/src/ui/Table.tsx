import { InfoCircleOutlined } from '@ant-design/icons';
import { Table as AntTable, Checkbox, type TableRef, Tooltip } from 'antd';
import { type Key, type ReactNode, type RefObject, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useNarrow } from './narrow';

/** One column. render gives what stands in the cell. */
export type Column<R> = {
  key: string;
  title: string;
  render: (row: R) => ReactNode;
  width?: number;
  align?: 'right' | 'center';
  /** true: shown only when somebody switches it on. */
  hidden?: boolean;
  /** Behind an ⓘ: what the number means. */
  about?: string;
};

export type TableProps<R> = {
  rows: readonly R[];
  columns: readonly Column<R>[];
  /** Default: row.id. */
  rowKey?: (row: R) => string;
  /** Where the first column leads. */
  to?: (row: R) => string;
  /** Buttons of a row, in a column that stays in sight. */
  actions?: (row: R) => ReactNode;
  empty?: ReactNode;
  loading?: boolean;
  picked?: readonly string[];
  onPick?: (keys: string[], rows: R[]) => void;
  /** Opens below the row. */
  expand?: (row: R) => ReactNode;
  /** Numbers below the columns: one cell for each visible column. */
  summary?: ReactNode;
  label?: string;
};

function idOf(row: unknown): string {
  return String((row as { id?: unknown }).id ?? '');
}

/** useReach lets the keyboard move a table that is wider than its box. */
function useReach(table: RefObject<TableRef | null>, narrow: boolean): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: a phone has cards and no table
  useEffect(() => {
    const root = table.current?.nativeElement;
    const body = root?.querySelector<HTMLElement>('.ant-table-body, .ant-table-content');
    if (!root || !body) return;
    const watch = new ResizeObserver(() => {
      if (body.scrollWidth > body.clientWidth) body.tabIndex = 0;
      else body.removeAttribute('tabindex');
    });
    watch.observe(body);
    for (const part of body.children) watch.observe(part);
    return () => watch.disconnect();
  }, [table, narrow]);
}

/** Table shows rows that are already here; on a phone every row is a card. Lists from the
 * API use DataTable. */
export function Table<R>({
  rows,
  columns,
  rowKey = idOf,
  to,
  actions,
  empty,
  loading,
  picked,
  onPick,
  expand,
  summary,
  label,
}: TableProps<R>) {
  const { t } = useTranslation('app');
  const narrow = useNarrow();
  const table = useRef<TableRef>(null);
  useReach(table, narrow);
  const first = (row: R, c: Column<R>) => (to ? <Link to={to(row)}>{c.render(row)}</Link> : c.render(row));
  if (narrow) {
    if (rows.length === 0)
      return (
        <div className="cards-empty" aria-busy={loading}>
          {loading ? t('loading') : (empty ?? t('table.empty'))}
        </div>
      );
    return (
      <ul className="cards" aria-label={label} aria-busy={loading}>
        {rows.map((row) => {
          const key = rowKey(row);
          return (
            <li key={key} className="card">
              {onPick ? (
                <Checkbox
                  checked={picked?.includes(key)}
                  onChange={(e) =>
                    onPick(e.target.checked ? [...(picked ?? []), key] : (picked ?? []).filter((k) => k !== key), [row])
                  }
                >
                  {t('table.pick')}
                </Checkbox>
              ) : null}
              {columns.map((c, i) =>
                i === 0 ? (
                  <div key={c.key} className="card-title">
                    {first(row, c)}
                  </div>
                ) : (
                  <div key={c.key} className="card-line">
                    <span className="muted">{c.title}</span>
                    <span>{c.render(row)}</span>
                  </div>
                ),
              )}
              {actions ? <div className="card-actions">{actions(row)}</div> : null}
              {expand ? expand(row) : null}
            </li>
          );
        })}
      </ul>
    );
  }
  return (
    <AntTable<R & object>
      ref={table}
      size="middle"
      aria-label={label}
      aria-busy={loading}
      dataSource={rows as unknown as (R & object)[]}
      rowKey={rowKey as (row: R & object) => Key}
      loading={loading ? { delay: 300 } : false}
      pagination={false}
      sticky={{ offsetHeader: 56 }}
      scroll={{ x: 'max-content' }}
      // Before the first answer nobody knows that there is nothing.
      locale={{ emptyText: <div className="muted">{loading ? t('loading') : (empty ?? t('table.empty'))}</div> }}
      columns={[
        ...columns.map((c, i) => ({
          key: c.key,
          title: c.about ? (
            <span>
              {c.title}{' '}
              <Tooltip title={c.about}>
                <InfoCircleOutlined aria-label={c.about} className="muted" />
              </Tooltip>
            </span>
          ) : (
            c.title
          ),
          width: c.width,
          align: c.align,
          render: (_: unknown, row: R & object) => (i === 0 ? first(row, c) : c.render(row)),
        })),
        ...(actions
          ? [
              {
                key: 'actions',
                title: t('table.actions'),
                fixed: 'right' as const,
                width: 1,
                render: (_: unknown, row: R & object) => <div className="row-actions">{actions(row)}</div>,
              },
            ]
          : []),
      ]}
      rowSelection={
        onPick
          ? {
              selectedRowKeys: picked as Key[],
              preserveSelectedRowKeys: true,
              onChange: (keys, got) => onPick(keys.map(String), got as R[]),
              getCheckboxProps: (row) => ({ 'aria-label': t('table.pickRow', { key: rowKey(row) }) }) as object,
            }
          : undefined
      }
      expandable={expand ? { expandedRowRender: expand } : undefined}
      summary={summary ? () => summary : undefined}
    />
  );
}
