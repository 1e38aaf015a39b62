import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import '@/i18n';
import * as api from '@/api';
import { LoginForm } from './LoginForm';

vi.mock('@/api', async (whole) => ({ ...(await whole<typeof api>()), call: vi.fn() }));

let root: Root;

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  root = createRoot(document.body.appendChild(document.createElement('div')));
});
afterEach(() => {
  act(() => root.unmount());
  document.body.replaceChildren();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('a pause says how long it is, and no try is sent before its end', async () => {
  vi.useFakeTimers();
  const done = vi.fn();
  act(() => root.render(<LoginForm as="wang" onDone={done} />));
  const field = document.querySelector('input[type=password]') as HTMLInputElement;
  const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set;
  act(() => {
    set?.call(field, 'whatever');
    field.dispatchEvent(new Event('input', { bubbles: true }));
  });
  const button = () => document.querySelector('button[type=submit]') as HTMLButtonElement;
  const said = () => document.querySelector('[role=alert]')?.textContent ?? '';
  const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
  vi.mocked(api.call).mockRejectedValueOnce(
    new api.ApiError(429, 'too_many_attempts', '尝试次数过多，请稍后再试', '', { retry_after_s: 62 }),
  );
  act(() => button().click());
  await pass(0);
  expect(said()).toContain('请 1 分 2 秒后再试');
  expect(button().disabled).toBe(true);
  for (let n = 0; n < 54; n++) await pass(1000);
  expect(said()).toContain('请 8 秒后再试');
  for (let n = 0; n < 8; n++) await pass(1000);
  expect(said()).toBe('');
  expect(button().disabled).toBe(false);
  act(() => button().click());
  await pass(0);
  expect(done).toHaveBeenCalledOnce();
});
