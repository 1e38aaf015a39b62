import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import '@/i18n';
import { AskMember } from './AskMember';

let root: Root;

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  root = createRoot(document.body.appendChild(document.createElement('div')));
});
afterEach(async () => {
  await act(async () => root.unmount());
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

/** asked is for whom was asked once each text was sent. */
async function asked(required: boolean, texts: string[]): Promise<string[]> {
  const ask = vi.fn();
  await act(async () => root.render(<AskMember member="7" ask={ask} busy={false} error={null} required={required} />));
  const input = document.querySelector('input') as HTMLInputElement;
  expect(input.value).toBe('7');
  const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set;
  for (const text of texts) {
    await act(async () => {
      set?.call(input, text);
      input.dispatchEvent(new Event('input', { bubbles: true }));
    });
    await act(async () => {
      document.querySelector('form')?.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
    });
  }
  return ask.mock.calls.map(([member]) => member as string);
}

it('asks for what was pasted, and for nothing that is no number', async () => {
  expect(await asked(false, [' 801 ', '张三', '802'])).toEqual(['801', '802']);
});
it('asks for nobody where there is something else to see, and only there', async () => {
  expect(await asked(false, ['801', ''])).toEqual(['801', '']);
  await act(async () => root.render(null));
  expect(await asked(true, ['801', ''])).toEqual(['801']);
});
