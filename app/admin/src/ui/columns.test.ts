import { describe, expect, it } from 'vitest';
import type { Column } from './Table';
import { shownColumns } from './TableTools';

const columns: Column<object>[] = ['name', 'state', 'made', 'note'].map((key) => ({
  key,
  title: key,
  render: () => null,
  hidden: key === 'note',
}));
const keys = (list: Column<object>[]) => list.map((c) => c.key);

describe('column settings', () => {
  it('without any, what is hidden at first is hidden', () => {
    expect(keys(shownColumns(columns, null))).toEqual(['name', 'state', 'made']);
  });
  it('order and choice are kept', () => {
    expect(keys(shownColumns(columns, { order: ['made', 'note', 'name', 'state'], hidden: ['state'] }))).toEqual([
      'made',
      'note',
      'name',
    ]);
  });
  it('a column that came later is there, one that is gone is no trouble', () => {
    expect(keys(shownColumns(columns, { order: ['name', 'gone', 'made'], hidden: [] }))).toContain('state');
  });
});
