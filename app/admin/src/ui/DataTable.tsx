import { ReloadOutlined } from '@ant-design/icons';
import { Alert, App, Button, Select } from 'antd';
import { type ReactNode, Suspense, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation, useNavigate, useSearchParams } from 'react-router';
import { call, errorText, type Listed, type Params, type PathOf, type Row, useList } from '@/api';
import { slots } from '@/app/slots';
import { Broken } from './Broken';
import { Empty, type EmptyProps } from './Empty';
import { FilterBar } from './FilterBar';
import { cursorParam, type Filter, queryOf, readFilters, type Values, writeFilters } from './filters';
import { useKept } from './kept';
import { formatCount } from './money';
import { type Column, Table } from './Table';
import { ColumnSettings, SavedViews, type Shown, shownColumns } from './TableTools';

/** What somebody selected, over pages. */
export type Picked<R> = { rows: R[]; count: number; clear: () => void };

export type DataTableProps<P extends PathOf<'get'>> = {
  /** Names the list: its column settings and saved views are kept under it. */
  id: string;
  /** Route of the list, e.g. '/products'. */
  path: P;
  /** What is always asked: {query: {brand_id}, path: {id}}. */
  params?: Params<'get', P>;
  columns: readonly Column<Row<P>>[];
  filters?: readonly Filter[];
  rowKey?: (row: Row<P>) => string;
  /** Where the first column leads, e.g. (p) => `/goods/products/${p.id}`. */
  to?: (row: Row<P>) => string;
  /** Buttons of one row. seen is when it was read, for a form that is filled with it. */
  actions?: (row: Row<P>, seen: number) => ReactNode;
  /** Buttons above the table, at the right. */
  toolbar?: ReactNode;
  /** Buttons for what is selected: rows of any page, or everything that is found. */
  selection?: { actions: (picked: Picked<Row<P>>) => ReactNode };
  /** Nothing there yet: what it is, one button, one example. */
  empty: EmptyProps;
  /** Shows the export button; the name of the list as the job centre knows it. */
  exportAs?: string;
  expand?: (row: Row<P>) => ReactNode;
  /** Asks again after so many ms: for lists that move by themselves. */
  refetchInterval?: number | false;
  /** false waits, e.g. until a brand is chosen. */
  enabled?: boolean;
};

const fewest = 20;
const sizes = [fewest, 50, 100];
/** How many rows may be selected at once: each is an act of its own. */
const mostPicked = 1000;

/** DataTable is a list from the API: filters in the address, pages by cursor, total, column
 * settings, saved views, selection over pages, cards on a phone. */
export function DataTable<P extends PathOf<'get'>>({
  id,
  path,
  params,
  columns,
  filters = [],
  rowKey = (row) => String((row as { id?: unknown }).id ?? ''),
  to,
  actions,
  toolbar,
  selection,
  empty,
  exportAs,
  expand,
  refetchInterval,
  enabled = true,
}: DataTableProps<P>) {
  const { t } = useTranslation('app');
  const [search, setSearch] = useSearchParams();
  const navigate = useNavigate();
  const at = useLocation();
  const [size, setSize] = useKept('siyu.rows', fewest);
  const [shown, setShown] = useKept<Shown | null>(`siyu.columns.${id}`, null);
  const { message } = App.useApp();
  const [picked, setPicked] = useState<{ keys: string[]; rows: Row<P>[] }>({ keys: [], rows: [] });
  const [picking, setPicking] = useState(false);
  const values = readFilters(search, filters);
  const filtered = Object.keys(values).length > 0;
  const before = search.get(cursorParam) ?? '';
  const query = queryOf(filters, values);
  // Counting costs: it is asked for once for what is filtered, not for every page of it.
  const counted = JSON.stringify([params, query]);
  const known = useRef<{ of: string; total?: number; more?: boolean }>({ of: '' });
  const ask = before && known.current.of === counted ? undefined : 1;
  const { data, dataUpdatedAt, error, isPending, isFetching, isPlaceholderData, refetch } = useList(path, {
    params: {
      path: params?.path,
      query: {
        ...(params?.query as object),
        ...query,
        before,
        total: ask,
        limit: sizes.includes(size) ? size : fewest,
      },
    } as unknown as Params<'get', P>,
    refetchInterval,
    enabled,
  });
  const rows = data?.data ?? [];
  // While another page is read, the rows of the one before are still shown.
  const readAt = useRef(0);
  if (!isPlaceholderData) readAt.current = dataUpdatedAt;
  if (data?.total !== undefined && !isPlaceholderData)
    known.current = { of: counted, total: data.total, more: data.total_more };
  // A list that is not counted is when all of it is on its one page.
  const whole = data && !data.next && !before ? rows.length : undefined;
  const nothing = !isPending && rows.length === 0 && !before && !filtered;
  const { total = whole, more } =
    known.current.of === counted ? known.current : { total: data?.total, more: data?.total_more };
  // The cursors of the pages before this one; a shared link has none, and then "back"
  // means the first page.
  const behind = (at.state as { behind?: string[] } | null)?.behind ?? [];
  const open = (cursor: string, stack: string[]) => {
    const next = new URLSearchParams(search);
    if (cursor) next.set(cursorParam, cursor);
    else next.delete(cursorParam);
    navigate({ search: next.toString() }, { state: { behind: stack } });
    window.scrollTo({ top: 0 });
  };
  const clear = () => setPicked({ keys: [], rows: [] });
  const pickAll = async () => {
    setPicking(true);
    const found: Row<P>[] = [];
    try {
      for (let from = ''; found.length < mostPicked; ) {
        const asked = { ...(params?.query as object), ...query, before: from, limit: 100 };
        const part = (await call('GET', path, { params: { path: params?.path as object, query: asked } })) as Listed<
          Row<P>
        >;
        found.push(...(part.data ?? []));
        from = part.next ?? '';
        if (!from) break;
      }
      const kept = found.slice(0, mostPicked);
      setPicked({ keys: kept.map(rowKey), rows: kept });
    } catch (error) {
      message.error(errorText(error));
    } finally {
      setPicking(false);
    }
  };
  const filter = (next: Values) => {
    clear();
    setSearch(writeFilters(search, filters, next), { state: null });
  };
  const visible = shownColumns(columns, shown);
  const count = picked.keys.length;
  const { ExportButton } = slots;
  const kept = new URLSearchParams(values).toString();

  return (
    <section className="section table-section">
      <div className="table-head">
        <FilterBar filters={filters} values={values} onChange={filter} />
        <div className="page-actions">
          {toolbar}
          {filters.length > 0 ? (
            <SavedViews list={id} search={kept} onOpen={(s) => filter(Object.fromEntries(new URLSearchParams(s)))} />
          ) : null}
          {exportAs && ExportButton ? (
            <Suspense fallback={null}>
              <ExportButton
                list={exportAs}
                query={{ ...stringsOf(params?.query), ...query }}
                total={total}
                totalMore={more}
              />
            </Suspense>
          ) : null}
          <Button
            icon={<ReloadOutlined />}
            aria-label={t('table.reload')}
            title={t('table.reload')}
            onClick={() => void refetch()}
            loading={isFetching && !isPending && !isPlaceholderData}
          />
          <ColumnSettings columns={columns} shown={shown} onChange={setShown} />
        </div>
      </div>
      {selection && count > 0 ? (
        <Alert
          type="info"
          style={{ marginBottom: 12 }}
          title={
            <div className="page-actions" role="status">
              <strong>{t('table.picked', { count: formatCount(count) as never })}</strong>
              {total !== undefined && Math.min(total, mostPicked) > count ? (
                <Button type="link" size="small" loading={picking} onClick={() => void pickAll()}>
                  {more || total > mostPicked
                    ? t('table.pickFirst', { most: formatCount(mostPicked) })
                    : t('table.pickAll', { total: formatCount(total) })}
                </Button>
              ) : null}
              {selection.actions({ rows: picked.rows, count, clear })}
              <Button type="link" size="small" onClick={clear}>
                {t('table.unpick')}
              </Button>
            </div>
          }
        />
      ) : null}
      {error && !data ? (
        <Broken error={error} again={() => void refetch()} />
      ) : nothing ? (
        <Empty {...empty} />
      ) : (
        <Table<Row<P>>
          rows={rows}
          columns={visible}
          rowKey={rowKey}
          to={to}
          actions={actions && ((row) => actions(row, readAt.current))}
          expand={expand}
          loading={isPending || isPlaceholderData}
          picked={picked.keys}
          onPick={
            selection
              ? (keys, got) => {
                  const known = [...picked.rows, ...got].filter((r) => r && keys.includes(rowKey(r)));
                  const unique = [...new Map(known.map((r) => [rowKey(r), r])).values()];
                  setPicked({ keys, rows: unique });
                }
              : undefined
          }
          empty={
            <div style={{ padding: 24 }}>
              <p>{t('table.noMatch')}</p>
              <Button onClick={() => filter({})}>{t('table.clear')}</Button>
            </div>
          }
        />
      )}
      <div className="table-foot">
        <span className="muted" role="status">
          {total !== undefined && !nothing
            ? t(more ? 'table.totalMore' : 'table.total', { total: formatCount(total) })
            : ''}
        </span>
        {before || data?.next || rows.length > fewest ? (
          <div className="page-actions">
            <Select
              aria-label={t('table.size')}
              value={sizes.includes(size) ? size : fewest}
              onChange={(n) => {
                setSize(n);
                open('', []);
              }}
              options={sizes.map((n) => ({ value: n, label: t('table.perPage', { n }) }))}
            />
            <Button disabled={!before} onClick={() => open(behind[behind.length - 1] ?? '', behind.slice(0, -1))}>
              {t('table.previous')}
            </Button>
            <Button disabled={!data?.next} onClick={() => open(data?.next ?? '', [...behind, before])}>
              {t('table.next')}
            </Button>
          </div>
        ) : null}
      </div>
    </section>
  );
}

function stringsOf(query: object | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(query ?? {})
      .filter(([, v]) => v !== undefined && v !== null && v !== '')
      .map(([k, v]) => [k, String(v)]),
  );
}
