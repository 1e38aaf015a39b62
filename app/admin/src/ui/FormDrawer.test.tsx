import { App, Button, Form, type FormInstance, Input } from 'antd';
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { MemoryRouter } from 'react-router';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import '@/i18n';
import { ApiError } from '@/api/error';
import { FaultAlert, FormDrawer } from './FormDrawer';
import { bare, unsaved } from './unsaved';
import { useFilled } from './useFilled';

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

const draw = (what: React.ReactNode) =>
  act(async () =>
    root.render(
      <MemoryRouter>
        <App>{what}</App>
      </MemoryRouter>,
    ),
  );
const field = (id = 'name') => document.querySelector<HTMLInputElement>(`[data-at=${id}]`) as HTMLInputElement;
const type = (text: string, id = 'name') =>
  act(async () => {
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(field(id), text);
    field(id).dispatchEvent(new Event('input', { bubbles: true }));
  });
const press = (selector: string) => act(async () => document.querySelector<HTMLButtonElement>(selector)?.click());
const conflict = new ApiError(409, 'changed_meanwhile', 'li 在 12:01 改过这里', 'r1');

type Values = { name: string; picked?: string };

describe('FormDrawer', () => {
  const show = (props: Partial<Parameters<typeof FormDrawer<Values>>[0]>, name = 'old') =>
    draw(
      <FormDrawer<Values> title="x" open onClose={() => {}} initial={{ name }} onSubmit={async () => {}} {...props}>
        {(form: FormInstance<Values>) => (
          <>
            <Form.Item name="name">
              <Input data-at="name" />
            </Form.Item>
            <Form.Item name="picked">
              <Input data-at="picked" />
            </Form.Item>
            <Button id="fill" onClick={() => form.setFieldValue('picked', 'by a button')} />
          </>
        )}
      </FormDrawer>,
    );

  it('asks before it is left when something was changed, and not when it was put back', async () => {
    await show({});
    expect(unsaved()).toBe(false);
    await type('new');
    expect(unsaved()).toBe(true);
    await type('old');
    expect(unsaved()).toBe(false);
    await press('#fill');
    expect(unsaved()).toBe(true);
    await type('', 'picked');
    expect(unsaved()).toBe(false);
    await type('new');
    await show({ open: false });
    expect(unsaved()).toBe(false);
  });

  it('what was read again behind it does not count as typed', async () => {
    await show({}, 'old');
    await show({}, 'of a colleague');
    expect([field().value, unsaved()]).toEqual(['old', false]);
  });

  it('shows a conflict and loses nothing of what was typed', async () => {
    const sent = vi.fn(async (_v: Values, _seen?: number) => Promise.reject(conflict));
    await show({ onSubmit: sent, seen: 1000 });
    await type('mine');
    await show({ onSubmit: sent, seen: 2000 }, 'of a colleague');
    await press('.ant-drawer .ant-btn-primary');
    await vi.waitFor(() => expect(sent).toHaveBeenCalled(), { timeout: 20_000 });
    expect(sent.mock.calls.map(([v, seen]) => [v.name, seen])).toEqual([['mine', 1000]]);
    await show({ onSubmit: sent, seen: 3000 }, 'of a colleague');
    expect(document.querySelector('[role=alert]')?.textContent).toContain('li 在 12:01 改过这里');
    expect([field().value, unsaved()]).toEqual(['mine', true]);
  }, 60_000);
});

describe('a form that stands on a page', () => {
  type Read = { name: string; version: number };
  let filled: ReturnType<typeof useFilled<Read>>;
  function Page({ data, seen, of }: { data?: Read; seen: number; of: string }) {
    const [form] = Form.useForm();
    filled = useFilled(form, { data, seen, of }, (d) => ({ name: d.name }));
    Form.useWatch([], form);
    if (!data) return null;
    return (
      <>
        <FaultAlert fault={conflict} again={filled.again} />
        <Form form={form}>
          <Form.Item name="name">
            <Input data-at="name" />
          </Form.Item>
        </Form>
      </>
    );
  }
  const show = (name: string, seen: number, of = 'brand 1') =>
    draw(<Page data={{ name, version: seen }} seen={seen} of={of} />);

  it('is filled again while nothing is typed in, and never over it', async () => {
    await draw(<Page seen={0} of="brand 1" />);
    await show('a', 1);
    expect(field().value).toBe('a');
    await show('b', 2);
    expect([field().value, filled.now()?.seen, unsaved()]).toEqual(['b', 2, false]);
    await type('mine');
    await show('c', 3);
    expect([field().value, filled.now()?.seen, filled.now()?.data.version, unsaved()]).toEqual(['mine', 2, 2, true]);
    // What somebody else made of it is shown when it is asked for.
    const newest = [...document.querySelectorAll('button')].find((b) => b.textContent?.includes('显示最新内容'));
    await act(async () => newest?.click());
    expect([field().value, filled.now()?.seen, unsaved()]).toEqual(['c', 3, false]);
  });

  it('never keeps for one brand what was typed in for another', async () => {
    await show('a', 1);
    await type('mine');
    await show('of 2', 2, 'brand 2');
    expect([field().value, filled.now()?.of, unsaved()]).toEqual(['of 2', 'brand 2', false]);
  });

  it('what was saved is no longer asked about; what was refused is', async () => {
    await show('a', 1);
    await type('mine');
    await act(async () => {
      await filled.save(async () => expect(unsaved()).toBe(false));
    });
    expect([field().value, unsaved()]).toEqual(['mine', false]);
    await show('mine, trimmed', 2);
    expect(field().value).toBe('mine, trimmed');
    await type('more');
    await act(async () => {
      await filled.save(() => Promise.reject(conflict)).catch(() => {});
    });
    expect([field().value, unsaved()]).toEqual(['more', true]);
  });
});

it('nothing, empty and off say the same; their order does not matter', () => {
  expect(bare({ a: '', b: null, c: [], d: false, e: undefined })).toBe(bare({}));
  expect(bare({ a: 1, b: { c: 2, d: 3 } })).toBe(bare({ b: { d: 3, c: 2 }, a: 1 }));
  for (const other of [{ a: 0 }, { a: true }, { a: ['x'] }, { a: ' ' }]) expect(bare(other)).not.toBe(bare({}));
});
