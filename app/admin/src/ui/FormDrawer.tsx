import { Alert, App, Button, Drawer, Form, type FormInstance } from 'antd';
import { type ReactNode, useCallback, useEffect, useId, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError, errorText } from '@/api/error';
import { Copy } from './Copy';
import { unread } from './unread';
import { useUnsaved } from './unsaved';

export type FormDrawerProps<V extends object> = {
  title: ReactNode;
  open: boolean;
  onClose: () => void;
  /** Values when it opens. */
  initial?: Partial<V>;
  /** Saves; a rejected promise keeps the drawer open and shows why, next to the field that
   * the server names. Use a useWrite with quiet: true and its mutateAsync. */
  onSubmit: (values: V, seen?: number) => Promise<unknown>;
  /** dataUpdatedAt of what `initial` was read from. As it was when the drawer was opened it
   * comes with onSubmit, which hands it to the write. */
  seen?: number;
  /** The Form.Items; a function gets the form and the values as they are. */
  children: ReactNode | ((form: FormInstance<V>, values: Partial<V>) => ReactNode);
  submit?: ReactNode;
  width?: number;
  form?: FormInstance<V>;
};

/** FormDrawer is where things are made and changed. Enter submits, Esc closes; what is
 * typed in is not lost by a click beside it. */
export function FormDrawer<V extends object>({
  title,
  open,
  onClose,
  initial,
  seen,
  onSubmit,
  children,
  submit,
  width = 520,
  form: given,
}: FormDrawerProps<V>) {
  const { t } = useTranslation('app');
  const { modal } = App.useApp();
  const [own] = Form.useForm<V>();
  const form = given ?? own;
  // Fields are named by their form too: two forms of a page may both have a "name".
  const name = useId();
  const values = (Form.useWatch([], form) ?? {}) as Partial<V>;
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<unknown>(null);
  const touched = useRef(false);
  const mark = useUnsaved();
  const touch = useCallback(
    (yes: boolean) => {
      touched.current = yes;
      mark(yes);
    },
    [mark],
  );
  const first = useRef(initial);
  first.current = initial;
  const latest = useRef(seen);
  latest.current = seen;
  const opened = useRef(seen);

  useEffect(() => {
    touch(false);
    if (!open) return;
    opened.current = latest.current;
    form.resetFields();
    form.setFieldsValue((first.current ?? {}) as Parameters<typeof form.setFieldsValue>[0]);
    setFault(null);
  }, [open, form, touch]);

  const close = () => {
    if (!touched.current || busy) {
      if (!busy) onClose();
      return;
    }
    modal.confirm({
      title: t('form.leave'),
      content: t('form.leaveText'),
      okText: t('form.drop'),
      okButtonProps: { danger: true },
      cancelText: t('form.stay'),
      onOk: onClose,
    });
  };
  const save = async (v: V) => {
    if (unread(document.getElementById(name))) return;
    setBusy(true);
    setFault(null);
    touch(false); // what saves may open the page of what it made
    try {
      await onSubmit(v, opened.current);
      onClose();
    } catch (error) {
      touch(true);
      if (!isOver(error)) setFault(error);
      if (error instanceof ApiError && error.field) {
        const field = error.field.split('.') as never;
        if (form.getFieldInstance(field) !== undefined) form.setFields([{ name: field, errors: [errorText(error)] }]);
      }
      if (!(error instanceof ApiError)) throw error;
    } finally {
      setBusy(false);
    }
  };
  return (
    <Drawer
      title={title}
      open={open}
      onClose={close}
      size={`min(${width}px, 100vw)` as never}
      destroyOnHidden
      forceRender={false}
      footer={
        <div style={{ display: 'flex', justifyContent: 'flex-end', gap: 8 }}>
          <Button onClick={close} disabled={busy}>
            {t('form.cancel')}
          </Button>
          <Button type="primary" loading={busy} onClick={() => form.submit()}>
            {submit ?? t('form.save')}
          </Button>
        </div>
      }
    >
      <FaultAlert fault={fault} />
      <Form<V>
        form={form}
        name={name}
        layout="vertical"
        onFinish={(v) => void save(v)}
        onValuesChange={() => touch(true)}
      >
        {typeof children === 'function' ? children(form, values) : children}
        {/* Enter in a field submits; the visible button stands outside of the form. */}
        <button type="submit" hidden aria-hidden tabIndex={-1} />
      </Form>
    </Drawer>
  );
}

/** isOver: nobody is logged in any more. The session says so itself, above the form. */
export function isOver(error: unknown): boolean {
  return error instanceof ApiError && error.code === 'not_logged_in';
}

/** FaultAlert shows why a form was not taken, with the request's number. */
export function FaultAlert({ fault }: { fault: unknown }) {
  const { t } = useTranslation('app');
  const box = useRef<HTMLDivElement>(null);
  // A long form is scrolled down to its last field; what is wrong stands above the first.
  useEffect(() => {
    if (fault) box.current?.scrollIntoView({ block: 'nearest' });
  }, [fault]);
  if (!fault) return null;
  const requestId = fault instanceof ApiError ? fault.requestId : '';
  return (
    <div ref={box}>
      <Alert
        type="error"
        showIcon
        role="alert"
        style={{ marginBottom: 16 }}
        title={errorText(fault)}
        description={
          requestId ? (
            <span className="muted">
              {t('errors.requestId')} <Copy text={requestId} />
            </span>
          ) : undefined
        }
      />
    </div>
  );
}
