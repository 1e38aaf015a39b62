import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Form } from 'antd';
import { act, type ReactElement } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import '@/i18n';
import { MoneyInput } from './Money';
import { parseCount } from './money';
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

const said = () => document.querySelector('[role=alert]')?.textContent ?? '';
const shown = () => (document.querySelector('input') as HTMLInputElement).value;
const leave = () =>
  act(() => document.querySelector('input')?.dispatchEvent(new FocusEvent('focusout', { bubbles: true })));

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
    expect(said()).toContain('请填写金额');
    act(() => expect(unread(document)).toBe(true));
    typed(<MoneyInput />, ['10']);
    expect(unread(document)).toBe(false);
  });
  it.each([
    ['99999999999', '最多 100,000,000', 99_999_999_999],
    ['-5', '不能小于 1', -5],
    ['1.5', '须为整数', 2],
    ['１２．５', '须为整数', 13],
  ])('a count of %s is not made another one: %s', (text, why, given) => {
    expect(typed(<NumberInput min={1} max={100_000_000} />, [text])).toEqual([given]);
    leave();
    expect(Number(parseCount(shown()))).toBe(Number(parseCount(text)));
    expect(said()).toBe(why);
    expect(unread(document)).toBe(true);
    typed(<NumberInput min={1} max={100_000_000} />, ['１００']);
    leave();
    expect([shown(), said(), unread(document)]).toEqual(['100', '', false]);
  });
  it('a part of a hundred says how many decimals it takes', () => {
    typed(<NumberInput min={0} max={50} precision={2} />, ['2.255']);
    leave();
    expect([shown(), said()]).toEqual(['2.255', '最多 2 位小数']);
    typed(<NumberInput min={0} max={50} precision={2} />, ['50.01']);
    expect(said()).toBe('最多 50');
  });
  it('a value that comes from elsewhere takes the place of what was typed', () => {
    const at = (value: number) => act(() => root.render(<NumberInput min={1} max={9} value={value} />));
    at(3);
    const input = document.querySelector('input') as HTMLInputElement;
    act(() => {
      Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(input, '12');
      input.dispatchEvent(new Event('input', { bubbles: true }));
    });
    at(12);
    expect([shown(), said()]).toEqual(['12', '最多 9']);
    at(4);
    expect([shown(), said()]).toEqual(['4', '']);
  });
  it.each([
    ['1.234', '最多 2 位小数'],
    ['9999999999999', '最多 ¥999,999,999,999.99'],
    ['-5', '不能小于 ¥0.00'],
  ])('an amount of %s stays and says why: %s', (text, why) => {
    expect(typed(<MoneyInput />, [text])).toEqual([null]);
    leave();
    expect([shown(), said(), unread(document)]).toEqual([text, why, true]);
  });
  it('a form that is sent by its button is not sent with such a field', () => {
    const sent = vi.fn();
    const send = () =>
      act(() => {
        document.querySelector('form')?.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
      });
    act(() => root.render(<form onSubmit={sent}>{<MoneyInput value={500} />}</form>));
    const input = document.querySelector('input') as HTMLInputElement;
    const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set;
    for (const [text, times] of [
      ['1.234', 0],
      ['1.23', 1],
    ] as const) {
      act(() => {
        set?.call(input, text);
        input.dispatchEvent(new Event('input', { bubbles: true }));
      });
      send();
      expect(sent).toHaveBeenCalledTimes(times);
    }
  });
});
