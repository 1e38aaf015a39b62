import { describe, expect, it } from 'vitest';
import { type Filter, queryOf, readFilters, writeFilters } from './filters';

const filters: Filter[] = [
  { name: 'q', label: 'text', kind: 'text' },
  { name: 'member', label: 'id', kind: 'id' },
  { name: 'state', label: 'state', kind: 'select', options: [{ value: 'on', label: 'On' }] },
  { name: 'made', label: 'made', kind: 'range' },
  { name: 'paid', label: 'paid', kind: 'range', names: ['paid_from', 'paid_until'] },
];

describe('filters in the address', () => {
  it('come back as they were written', () => {
    const values = { q: '酱油 & 醋', member: '123', state: 'on', made: '2026-11-01~2026-11-07', paid: '~2026-11-30' };
    const address = writeFilters(new URLSearchParams(), filters, values).toString();
    expect(readFilters(new URLSearchParams(address), filters)).toEqual(values);
  });
  it('leave alone what is not theirs, and go back to the first page', () => {
    const next = writeFilters(new URLSearchParams('brand=7&before=99&q=old&tab=x'), filters, { q: 'new' });
    expect(next.toString()).toBe('brand=7&q=new&tab=x');
  });
  it('a value that is none (an old link, a typing error) is not asked for', () => {
    const search = new URLSearchParams('state=gone&made=yesterday&paid=~&q=');
    expect(readFilters(search, filters)).toEqual({});
  });
  it('a number typed with a Chinese keyboard is plain', () => {
    expect(writeFilters(new URLSearchParams(), filters, { member: '１２ ３４' }).get('member')).toBe('1234');
  });
  it('an amount is what people type; what is none is left for the server to say so', () => {
    const typed = (v: string) =>
      writeFilters(new URLSearchParams(), [{ name: 'min', label: 'min', kind: 'yuan' }], { min: v }).get('min');
    expect(['１２．５', '1,000', '1.5万', 'abc'].map(typed)).toEqual(['12.50', '1000.00', '15000.00', 'abc']);
  });
  it('a choice that is looked for at the server counts before its name is known', () => {
    const search = new URLSearchParams('product=77');
    const product: Filter = { name: 'product', label: 'product', kind: 'select', options: [] };
    expect(readFilters(search, [product])).toEqual({});
    expect(readFilters(search, [{ ...product, onSearch: () => {} }])).toEqual({ product: '77' });
  });
  it('days become half-open intervals under the names of the API', () => {
    expect(queryOf(filters, { made: '2026-11-01~2026-11-01', paid: '2026-11-02~', q: 'x' })).toEqual({
      from: '2026-11-01T00:00:00+08:00',
      until: '2026-11-01T16:00:00.000Z',
      paid_from: '2026-11-02T00:00:00+08:00',
      q: 'x',
    });
  });
});
