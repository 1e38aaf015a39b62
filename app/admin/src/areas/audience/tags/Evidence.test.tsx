import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { MemoryRouter } from 'react-router';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import '@/i18n';
import { Evidence } from './Evidence';
import type { TagDetail } from './words';

vi.mock('@/app/session', () => ({ useCan: () => () => true }));
const held = {
  value: '',
  score: 0,
  version: 1,
  since_at: null,
  until_at: null,
  why: '本人来电',
  evidence: '',
  said: null,
};
vi.mock('@/api', () => ({
  useGet: (path: string, { enabled }: { enabled: boolean }) => ({
    data: !enabled
      ? undefined
      : path === '/tags/{id}/people'
        ? [{ member_id: '7', person_id: '7' }]
        : { held, cases: [] },
    isFetching: false,
    refetch: vi.fn(),
  }),
}));

let root: Root;
const scrolled: Element[] = [];

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  Element.prototype.scrollIntoView = function (this: Element) {
    scrolled.push(this);
  };
  root = createRoot(document.body.appendChild(document.createElement('div')));
});
afterEach(async () => {
  await act(async () => root.unmount());
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

it('leads to the answer who asks why somebody has the tag', async () => {
  await act(async () =>
    root.render(
      <QueryClientProvider client={new QueryClient()}>
        <MemoryRouter>
          <Evidence tag={{ id: '1', kind: 'fact' } as TagDetail} />
        </MemoryRouter>
      </QueryClientProvider>,
    ),
  );
  expect(scrolled).toEqual([]);
  const why = [...document.querySelectorAll('button')].find((b) => b.getAttribute('aria-label')?.includes('为什么'));
  await act(async () => why?.click());
  const answer = document.querySelector('[role=status]');
  expect(answer?.textContent).toContain('本人来电');
  expect(scrolled).toEqual([answer]);
  expect(document.activeElement).toBe(answer);
});
