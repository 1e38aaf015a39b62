import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { App } from 'antd';
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { MemoryRouter, Route, Routes } from 'react-router';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import '@/i18n';
import { Component } from './day';

const day = {
  id: '5',
  account_id: '9',
  brand_id: '1',
  day: 20261101,
  state: 'done',
  source: 'bill',
  proof: 'none',
  open: 3,
  explained: 0,
  resolved: 0,
  total_lines: 30,
};
const held = vi.hoisted(() => ({ day: {} as object, asked: [] as string[] }));
vi.mock('@/app/session', () => ({
  useCan: () => () => true,
  useMe: () => ({ me: { operator: { login: 'li', name: '李' } }, can: () => true }),
}));
// Each list has a second page, which its own cursor alone opens.
vi.mock('@/api', () => {
  const again = { error: null, dataUpdatedAt: 1, isPending: false, isFetching: false, refetch: () => {} };
  return {
    useGet: (path: string) => ({ ...again, data: path === '/reconcile/days/{id}' ? held.day : [] }),
    useList: (path: string, { params }: { params?: { query?: { before?: string } } } = {}) => {
      const before = params?.query?.before ?? '';
      held.asked.push(`${path}?${before}`);
      const mine = before === '' || before === `after-${path}`;
      const note = before ? 'second' : 'first';
      const data = { data: mine ? [{ id: note, seq: 1, voucher: note, bill_no: note }] : [], next: `after-${path}` };
      return { ...again, isPlaceholderData: false, data: path.startsWith('/reconcile') ? data : { data: [] } };
    },
    useWrite: () => ({ mutateAsync: async () => {} }),
    useSend: () => async () => {},
    errorText: String,
  };
});

let root: Root;
beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  vi.stubGlobal('scrollTo', () => {});
  root = createRoot(document.body.appendChild(document.createElement('div')));
});
afterEach(async () => {
  await act(async () => root.unmount());
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

const open = (of: Partial<typeof day>, at = '/5') => {
  held.day = { ...day, ...of };
  return act(async () =>
    root.render(
      <MemoryRouter initialEntries={[at]}>
        <QueryClientProvider client={new QueryClient()}>
          <App>
            <Routes>
              <Route path="/:id" element={<Component />} />
            </Routes>
          </App>
        </QueryClientProvider>
      </MemoryRouter>,
    ),
  );
};
const tabs = () => [...document.querySelectorAll<HTMLElement>('[role=tab]')];
const shown = () => tabs().findIndex((x) => x.getAttribute('aria-selected') === 'true');
const panel = () => document.querySelector('[role=tabpanel]:not([aria-hidden=true])')?.textContent ?? '';
const go = (tab: number) => act(async () => tabs()[tab]?.click());
const turn = () =>
  act(async () =>
    [...document.querySelectorAll<HTMLButtonElement>('[role=tabpanel]:not([aria-hidden=true]) button')]
      .find((b) => b.textContent?.includes('下一页'))
      ?.click(),
  );

describe('a day of the reconciliation', () => {
  it('a page that was turned in one tab is none of the other', async () => {
    await open({});
    expect([shown(), panel()]).toEqual([0, expect.stringContaining('first')]);
    await go(1);
    expect(panel()).toContain('first');
    await turn();
    expect(panel()).toContain('second');
    await go(0);
    expect([shown(), panel()]).toEqual([0, expect.stringContaining('first')]);
    await turn();
    expect(panel()).toContain('second');
    await go(1);
    expect([shown(), panel()]).toEqual([1, expect.stringContaining('first')]);
    const crossed = held.asked.filter((x) => x.includes('?after-') && x.split('?after-')[0] !== x.split('?after-')[1]);
    expect(crossed).toEqual([]);
  });
  it('opens with what differs, with the lines where nothing does', async () => {
    await open({ open: 0, explained: 1 });
    expect(shown()).toBe(0);
    await open({ open: 0, explained: 0 }, '/5'); // the last one was resolved meanwhile
    expect(shown()).toBe(0);
    await act(async () => root.render(null));
    await open({ open: 0, explained: 0 });
    expect(shown()).toBe(1);
  });
});
