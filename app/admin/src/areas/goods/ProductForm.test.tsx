import { App } from 'antd';
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { MemoryRouter } from 'react-router';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import '@/i18n';
import { ProductForm } from './ProductForm';

const sent = vi.hoisted(() => vi.fn(async (_: { seen?: number }) => ({})));
vi.mock('@/api', async (whole) => ({ ...(await whole<object>()), useWrite: () => ({ mutateAsync: sent }) }));

beforeEach(() => vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true));
afterEach(() => vi.unstubAllGlobals());

it('tells when the product was read that it changes, as it was when the form was opened', async () => {
  const root = createRoot(document.body.appendChild(document.createElement('div')));
  const product = { id: '7', gtin: '06901234567892', name: '护理液', spec: '', picture_url: '', scan_points: 0 };
  const show = (open: boolean, seen: number) =>
    act(async () =>
      root.render(
        <MemoryRouter>
          <App>
            <ProductForm brand="1" product={product as never} seen={seen} open={open} onClose={() => {}} />
          </App>
        </MemoryRouter>,
      ),
    );
  await show(false, 1000);
  await show(true, 2000);
  await show(true, 3000); // it was read again behind the form, which still shows what it was filled with
  await act(async () => {
    document.querySelector<HTMLButtonElement>('.ant-drawer .ant-btn-primary')?.click();
  });
  await vi.waitFor(() => expect(sent).toHaveBeenCalled(), { timeout: 20_000 });
  expect(sent.mock.calls.map(([x]) => x.seen)).toEqual([2000]);
  await act(async () => root.unmount());
}, 60_000);
