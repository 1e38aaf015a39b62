import { App } from 'antd';
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import '@/i18n';
import { ApiError } from '@/api/error';
import { useEach } from './Each';

beforeEach(() => vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true));
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

type Each = ReturnType<typeof useEach<string>>;

/** used mounts what uses it; the answer is what its last drawing got. */
function used(send: (row: string) => Promise<unknown>): { each: () => Each; unmount: () => void } {
  let last: Each | undefined;
  function User() {
    last = useEach<string>(send, (row) => row);
    return last.doing;
  }
  const root = createRoot(document.body.appendChild(document.createElement('div')));
  act(() =>
    root.render(
      <App>
        <User />
      </App>,
    ),
  );
  return { each: () => last as Each, unmount: () => act(() => root.unmount()) };
}

it('does each once, and says for whom it was not done and why', async () => {
  const sent: string[] = [];
  const { each, unmount } = used(async (row) => {
    sent.push(row);
    if (row === '乙') throw new ApiError(409, 'x', '已被同事处理');
  });
  await act(() => each().run(['甲', '乙', '丙'], { reason: '' }));
  expect(sent).toEqual(['甲', '乙', '丙']);
  expect(each().doing).toBeNull();
  const said = document.querySelector('.ant-notification')?.textContent;
  expect(said).toContain('1 项未能处理');
  expect(said).toContain('乙: 已被同事处理');
  expect(document.querySelector('.ant-message')?.textContent).toContain('已处理 2 项');
  unmount();
});

it('stops where somebody says so, and says how many are left', async () => {
  const sent: string[] = [];
  let arrived = () => {};
  const { each, unmount } = used((row) => {
    sent.push(row);
    return new Promise<void>((answer) => {
      arrived = answer;
    });
  });
  let done: Promise<void> | undefined;
  await act(async () => {
    done = each().run(['一', '二', '三', '四'], { reason: '' });
  });
  await act(async () => arrived());
  expect(document.body.textContent).toContain('1/4');
  const stop = [...document.querySelectorAll('button')].find((b) => b.textContent?.replace(/\s/g, '') === '停止');
  await act(async () => stop?.click());
  await act(async () => arrived());
  await act(async () => done);
  expect(sent).toEqual(['一', '二']);
  expect([...document.querySelectorAll('.ant-notification-notice')].at(-1)?.textContent).toContain('2 项没有开始');
  unmount();
});

it('waits for its turn where there are too many at once', async () => {
  vi.useFakeTimers();
  const sent: string[] = [];
  const { each, unmount } = used(async (row) => {
    sent.push(row);
    if (sent.length === 1) throw new ApiError(429, 'slow_down', '', '', { retry_after_s: 7 });
  });
  let over = false;
  let done: Promise<void> | undefined;
  await act(async () => {
    done = each()
      .run(['甲'], { reason: '' })
      .then(() => {
        over = true;
      });
  });
  await act(() => vi.advanceTimersByTimeAsync(6_900));
  expect([sent, over]).toEqual([['甲'], false]);
  await act(() => vi.advanceTimersByTimeAsync(200));
  await act(() => done);
  expect(sent).toEqual(['甲', '甲']);
  unmount();
});
