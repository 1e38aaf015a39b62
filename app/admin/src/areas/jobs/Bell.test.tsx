import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { App } from 'antd';
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { MemoryRouter } from 'react-router';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import '@/i18n';
import Bell from './Bell';

const answer = vi.hoisted(() => ({ data: { running: 1, ended: [] as object[] } }));
vi.mock('@/api', () => ({ useGet: () => answer, useWrite: () => ({ mutate: () => {} }), refresh: async () => {} }));

beforeEach(() => vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true));
afterEach(() => vi.unstubAllGlobals());

const job = (id: string, state: string) => ({ id, source: 'extract', kind: 'audit', name: '', state, error: 'no' });

it('says in one line at a time what ended, and lies over no page', () => {
  const root = createRoot(document.body.appendChild(document.createElement('div')));
  const show = () =>
    act(() =>
      root.render(
        <MemoryRouter>
          <QueryClientProvider client={new QueryClient()}>
            <App>
              <Bell />
            </App>
          </QueryClientProvider>
        </MemoryRouter>,
      ),
    );
  show();
  expect(document.querySelector('.job-ended')).toBeNull();
  answer.data = { running: 0, ended: [job('1', 'done'), job('2', 'failed')] };
  show();
  expect([...document.querySelectorAll('.ant-message .job-ended')].map((x) => x.textContent)).toEqual([
    expect.stringMatching(/失败.*查看/),
  ]);
  expect(document.querySelector('.ant-notification')).toBeNull();
  act(() => root.unmount());
});
