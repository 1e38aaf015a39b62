import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Form } from 'antd';
import { act, type ReactElement } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import '@/i18n';
import { MoneyInput } from './Money';
import { NumberInput } from './NumberInput';
import { unread } from './unread';

let root: Root;

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  root = createRoot(document.body.appendChild(document.createElement('div')));
});
afterEach(() => {
  act(() => root.unmount());
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

/** typed is what a form has after each text was typed into its one field. */
function typed(field: ReactElement, texts: string[]): unknown[] {
  const seen = vi.fn();
  act(() =>
    root.render(
      <Form onValuesChange={(_, all) => seen(all.x)}>
        <Form.Item name="x" label="x">
          {field}
        </Form.Item>
      </Form>,
    ),
  );
  const input = document.querySelector('input') as HTMLInputElement;
  const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set;
  return texts.map((text) => {
    for (const value of ['', text])
      act(() => {
        set?.call(input, value);
        input.dispatchEvent(new Event('input', { bubbles: true }));
      });
    return seen.mock.lastCall?.[0] ?? null;
  });
}

describe('inputs', () => {
  it('a count is whole at every key and understands how people type', () => {
    expect(typed(<NumberInput />, ['１００', '12.7', '1.2万', '12,000', '3个', '30天'])).toEqual([
      100, 13, 12000, 12000, 3, 30,
    ]);
  });
  it('a part of a hundred keeps its decimals', () => {
    expect(typed(<NumberInput precision={2} />, ['１２．５', '2.25%', '-1'])).toEqual([12.5, 2.25, -1]);
  });
  it('no page takes numbers by another input, which makes １００ nothing and 1.2万 1.2', () => {
    const areas = join(import.meta.dirname, '../areas');
    const pages = readdirSync(areas, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.tsx'));
    expect(pages.length).toBeGreaterThan(200);
    expect(pages.filter((name) => readFileSync(join(areas, name), 'utf8').includes('InputNumber'))).toEqual([]);
  });
  it('an amount below 0 or in other words is none', () => {
    expect(typed(<MoneyInput />, ['12.5', '-5', '1万', '一百'])).toEqual([1250, null, 1_000_000, null]);
  });
  it('an amount that nobody can read is said to be one and keeps its form from being sent', () => {
    typed(<MoneyInput />, ['10块左右']);
    expect(document.querySelector('[role=alert]')?.textContent).toContain('请填写金额');
    act(() => expect(unread(document)).toBe(true));
    typed(<MoneyInput />, ['10']);
    expect(unread(document)).toBe(false);
  });
});
