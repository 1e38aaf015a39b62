import { App } from 'antd';
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { MemoryRouter, useLocation } from 'react-router';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { ExportButtonProps } from '@/app/slots';
import { slots } from '@/app/slots';
import '@/i18n';
import { WithdrawalTax } from './withdrawalTax';

const held = vi.hoisted(() => ({ query: {} as Record<string, string>, error: null as Error | null }));
vi.mock('@/app/session', () => ({ useCan: () => () => true }));
vi.mock('@/app/brand', () => ({ useBrandID: () => '1' }));
// Three pages of one row; a row says which it is of.
vi.mock('@/api', async (whole) => ({
  ...(await whole<object>()),
  useList: (_: string, { params }: { params: { query: Record<string, string> } }) => {
    held.query = params.query;
    const page = Number(params.query.after ?? '0');
    const row = { id: `9${page}`, amount_fen: 90_000, tax_fen: 2000, who: { name: '李哥', role: '', state: '' } };
    const data = held.error ? undefined : { data: [row], next: page < 2 ? String(page + 1) : '' };
    return { data, error: held.error, isPending: false, refetch: () => {} };
  },
}));

let root: Root;
let address = '';
function Address() {
  address = useLocation().search;
  return null;
}
const taken: ExportButtonProps[] = [];

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  slots.ExportButton = (p) => {
    taken.push(p);
    return <button type="button">{p.what}</button>;
  };
  held.error = null;
  root = createRoot(document.body.appendChild(document.createElement('div')));
});
afterEach(async () => {
  await act(async () => root.unmount());
  document.body.replaceChildren();
  slots.ExportButton = undefined;
  vi.unstubAllGlobals();
});

const show = (at: string) =>
  act(async () =>
    root.render(
      <MemoryRouter initialEntries={[at]}>
        <App>
          <WithdrawalTax />
          <Address />
        </App>
      </MemoryRouter>,
    ),
  );
const press = (label: string) =>
  act(async () => [...document.querySelectorAll('button')].find((b) => b.textContent === label)?.click());

it('has month and page in the address, and goes back page by page', async () => {
  await show('/leaders/withdrawals?tab=tax&month=2026-10');
  expect(held.query).toEqual({ brand_id: '1', month: '202610', limit: '100' });
  for (const page of ['1', '2']) {
    await press('下一页');
    expect(held.query).toMatchObject({ month: '202610', after: page });
    expect(address).toBe(`?tab=tax&month=2026-10&after=${page}`);
  }
  expect(document.body.textContent).toContain('仅本页'); // also on the last one
  await press('上一页');
  expect(address).toBe('?tab=tax&month=2026-10&after=1');
  await press('上一页');
  expect(address).toBe('?tab=tax&month=2026-10');
});

it('takes the whole month out as other lists, not the page, and makes no file itself', async () => {
  await show('/leaders/withdrawals?tab=tax&month=2026-10&after=1');
  expect(taken.at(-1)).toMatchObject({ list: 'withdrawal_tax', query: { brand_id: '1', month: '2026-10' } });
  expect(document.body.textContent).toContain('2026 年 10 月到账的全部提现及代扣税款。');
  expect(document.querySelector('a[download], a[href*="csv"]')).toBeNull();
});

it('a month that is none is the present one, and a fault is no empty month', async () => {
  await show('/leaders/withdrawals?tab=tax&month=nonsense');
  expect(held.query.month).toMatch(/^20\d{4}$/);
  held.error = new Error('x');
  await show('/leaders/withdrawals?tab=tax');
  expect(document.body.textContent).not.toContain('这个月没有到账的提现');
});
