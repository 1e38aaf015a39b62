import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { App, ConfigProvider } from 'antd';
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { MemoryRouter } from 'react-router';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ApiError } from '@/api/error';
import '@/i18n';
import { DecideWithdrawal } from './decideWithdrawal';

const sent = vi.hoisted(() => vi.fn(async (_: { body: object }): Promise<object> => ({})));
vi.mock('@/api', async (whole) => ({ ...(await whole<object>()), useWrite: () => ({ mutateAsync: sent }) }));

let root: Root;
beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  sent.mockReset();
  sent.mockResolvedValue({});
  root = createRoot(document.body.appendChild(document.createElement('div')));
});
afterEach(async () => {
  await act(async () => root.unmount());
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

const show = (tax: number) =>
  act(async () =>
    root.render(
      <MemoryRouter>
        <QueryClientProvider client={new QueryClient()}>
          {/* A dialog that fades out is still there. */}
          <ConfigProvider theme={{ token: { motion: false } }}>
            <App>
              <DecideWithdrawal w={{ id: '7', amount_fen: 90_000, tax_fen: tax, who: { name: '李哥' } }} />
            </App>
          </ConfigProvider>
        </QueryClientProvider>
      </MemoryRouter>,
    ),
  );
const press = (button: Element | null | undefined) => act(async () => (button as HTMLButtonElement).click());
const open = () => press([...document.querySelectorAll('button')].find((b) => b.textContent?.includes('通过并打款')));
const pay = () => press(document.querySelector('.ant-modal-footer .ant-btn-primary'));
const cancel = () => press(document.querySelector('.ant-modal-footer .ant-btn:not(.ant-btn-primary)'));
const field = (name: string) => document.querySelector(`.ant-modal [id$="${name}"]`) as HTMLInputElement;
const sum = () => document.querySelector('.ant-modal p[role=status]')?.textContent?.replaceAll(/\s+/g, ' ');
const write = (name: string, text: string) =>
  act(async () => {
    const input = field(name);
    const of = input instanceof HTMLTextAreaElement ? HTMLTextAreaElement.prototype : HTMLInputElement.prototype;
    Object.getOwnPropertyDescriptor(of, 'value')?.set?.call(input, text);
    input.dispatchEvent(new Event('input', { bubbles: true }));
  });
const bodies = () => sent.mock.calls.map(([x]) => x.body);
const errors = () => [...document.querySelectorAll('.ant-form-item-explain-error')].map((x) => x.textContent);

it('without a tax nothing is sent, and no sum is shown', async () => {
  await show(2000);
  await open();
  expect(sum()).toBe('申请金额 ¥900.00 − 代扣税 ¥20.00 = 实付 ¥880.00');
  await write('tax_fen', '');
  expect(sum()).toBe('申请金额 ¥900.00 − 代扣税 — = 实付 —');
  await pay();
  await vi.waitFor(() => expect(errors()).toEqual(['请填写代扣税，不代扣请填 0']));
  expect(bodies()).toEqual([]);
}, 60_000);

it('another tax needs a reason, which is always offered', async () => {
  await show(2000);
  await open();
  expect(field('reason')).not.toBeNull();
  await write('tax_fen', '500');
  expect(sum()).toBe('申请金额 ¥900.00 − 代扣税 ¥500.00 = 实付 ¥400.00');
  await pay();
  await vi.waitFor(() => expect(errors()).toEqual(['代扣税与规则算出的不同，请填写原因']));
  expect(bodies()).toEqual([]);
  await write('reason', '另行申报');
  await pay();
  await vi.waitFor(() => expect(bodies()).toEqual([{ tax_fen: 50_000, suggested_fen: 2000, reason: '另行申报' }]));
}, 60_000);

it('opened again it begins anew, with the figures of now', async () => {
  await show(2000);
  await open();
  await write('tax_fen', '500');
  await cancel();
  await show(18_000);
  await open();
  await vi.waitFor(() => expect(field('tax_fen').value).toBe('180.00'));
  expect(sum()).toBe('申请金额 ¥900.00 − 代扣税 ¥180.00 = 实付 ¥720.00');
  await pay();
  await vi.waitFor(() => expect(bodies()).toEqual([{ tax_fen: 18_000, suggested_fen: 18_000 }]));
}, 60_000);

it('a tax that moved is shown, and paid only when it is pressed again', async () => {
  await show(2000);
  await open();
  sent.mockRejectedValueOnce(new ApiError(409, 'withdrawal_tax_moved', '请核对', 'r1', { tax_fen: 18_000 }));
  await pay();
  await vi.waitFor(() => expect(sum()).toBe('申请金额 ¥900.00 − 代扣税 ¥180.00 = 实付 ¥720.00'));
  expect(document.querySelector('.ant-modal [role=alert]')?.textContent).toContain('请核对');
  expect(bodies()).toEqual([{ tax_fen: 2000, suggested_fen: 2000 }]);
  await pay();
  await vi.waitFor(() => expect(bodies().slice(1)).toEqual([{ tax_fen: 18_000, suggested_fen: 18_000 }]));
}, 60_000);

it('a tax that was typed stays, whatever the rules say by now', async () => {
  await show(2000);
  await open();
  await write('tax_fen', '0');
  await write('reason', '另行申报');
  sent.mockRejectedValueOnce(new ApiError(409, 'withdrawal_tax_moved', '请核对', 'r1', { tax_fen: 18_000 }));
  await pay();
  await vi.waitFor(() =>
    expect(document.querySelector('.ant-modal')?.textContent).toContain('按提现规则应代扣 ¥180.00'),
  );
  expect(sum()).toBe('申请金额 ¥900.00 − 代扣税 ¥0.00 = 实付 ¥900.00');
  await pay();
  await vi.waitFor(() =>
    expect(bodies().slice(1)).toEqual([{ tax_fen: 0, suggested_fen: 18_000, reason: '另行申报' }]),
  );
}, 60_000);
