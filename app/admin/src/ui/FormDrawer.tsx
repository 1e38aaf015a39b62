import { Alert, App, Button, Drawer, Form, type FormInstance } from 'antd';
import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError, errorText } from '@/api/error';
import { Copy } from './Copy';
import { unread } from './unread';
import { bare, useUnsaved } from './unsaved';

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
  const mark = useUnsaved();
  // What it was filled with: a change that was taken back by hand is none.
  const filled = useRef('');
  const dirty = () => bare(form.getFieldsValue(true)) !== filled.current;
  const first = useRef(initial);
  first.current = initial;
  const latest = useRef(seen);
  latest.current = seen;
  const opened = useRef(seen);

  useEffect(() => {
    if (!open) return;
    opened.current = latest.current;
    form.resetFields();
    form.setFieldsValue((first.current ?? {}) as Parameters<typeof form.setFieldsValue>[0]);
    filled.current = bare(form.getFieldsValue(true));
    setFault(null);
  }, [open, form]);
  // After each drawing, for buttons fill fields, too. What saves may open the page of what
  // it made: nobody is asked then.
  useEffect(() => mark(open && !busy && dirty()));

  const close = () => {
    if (busy) return;
    if (!dirty()) {
      onClose();
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
    mark(false);
    try {
      await onSubmit(v, opened.current);
      onClose();
    } catch (error) {
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
      <Form<V> form={form} name={name} layout="vertical" onFinish={(v) => void save(v)}>
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

/** FaultAlert shows why a form was not taken, with the request's number. again: fills a form
 * that cannot be closed with what somebody else has made of it. */
export function FaultAlert({ fault, again }: { fault: unknown; again?: () => void }) {
  const { t } = useTranslation('app');
  const box = useRef<HTMLDivElement>(null);
  // A long form is scrolled down to its last field; what is wrong stands above the first.
  useEffect(() => {
    if (fault) box.current?.scrollIntoView({ block: 'nearest' });
  }, [fault]);
  if (!fault) return null;
  const requestId = fault instanceof ApiError ? fault.requestId : '';
  return (
    // Below the bar that stays at the top of a page.
    <div ref={box} style={{ scrollMarginTop: 72 }}>
      <Alert
        type="error"
        showIcon
        role="alert"
        style={{ marginBottom: 16 }}
        title={errorText(fault)}
        action={
          again && fault instanceof ApiError && fault.code === 'changed_meanwhile' ? (
            <Button size="small" onClick={again}>
              {t('form.newest')}
            </Button>
          ) : undefined
        }
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
