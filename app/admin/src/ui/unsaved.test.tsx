import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { expect, it } from 'vitest';
import { unsaved, useUnsaved } from './unsaved';

it('a form that holds something is asked about until it is saved or gone', async () => {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
  const marks: ((dirty: boolean) => void)[] = [];
  function Form() {
    marks.push(useUnsaved());
    return null;
  }
  const root = createRoot(document.createElement('div'));
  await act(async () => root.render([<Form key="1" />, <Form key="2" />]));
  const [one, two] = marks;
  expect(unsaved()).toBe(false);
  one?.(true);
  two?.(true);
  one?.(true);
  expect(unsaved()).toBe(true);
  one?.(false);
  expect(unsaved()).toBe(true);
  await act(async () => root.unmount());
  expect(unsaved()).toBe(false);
});
