import { Button, Form, Input, Modal } from 'antd';
import { cloneElement, type ReactElement, type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '@/api/error';
import { FaultAlert } from './FormDrawer';
import { halfWidth } from './money';
import { unread } from './unread';
import { useUnsaved } from './unsaved';

export type DangerProps = {
  /** The button that opens it. */
  trigger: ReactElement<{ onClick?: () => void }>;
  /** What will be done, as a question. */
  title: ReactNode;
  /** What follows from it, in numbers: how many codes, whose money. */
  consequence?: ReactNode;
  /** Has to be typed. Only for what cannot be undone. */
  name?: string;
  /** Asks for a reason, which the audit log keeps. */
  reason?: boolean;
  /** Words of the button; default 确认. */
  confirm?: ReactNode;
  /** false: an ordinary act that still wants a second look. */
  danger?: boolean;
  /** Further Form.Items; their values come with the reason. */
  children?: ReactNode;
  /** dataUpdatedAt of what the fields are filled with, or of what is decided about. As it was
   * when it was opened it comes with onConfirm, which hands it to the write. */
  seen?: number;
  onConfirm: (values: { reason: string } & Record<string, unknown>, seen?: number) => Promise<unknown>;
};

/** Danger asks before an act: with its consequence, a reason for the log and, for what
 * cannot be undone, the name of the thing to type. */
export function Danger({
  trigger,
  title,
  consequence,
  name,
  reason,
  confirm,
  danger = true,
  children,
  seen,
  onConfirm,
}: DangerProps) {
  const { t } = useTranslation('app');
  const id = useId();
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<unknown>(null);
  const [form] = Form.useForm<Record<string, unknown> & { typed?: string; reason?: string }>();
  const typed = Form.useWatch('typed', form) as string | undefined;
  const right = !name || halfWidth(String(typed ?? '')).trim() === halfWidth(name).trim();
  const opened = useRef(seen);
  const mark = useUnsaved();
  // What is written into it is asked about before another page takes it away; closing it is a no.
  useEffect(() => {
    if (!open) mark(false);
  }, [open, mark]);
  const go = async () => {
    const { typed: _, ...values } = await form.validateFields();
    if (unread(document.getElementById(id))) return;
    setBusy(true);
    mark(false);
    setFault(null);
    try {
      await onConfirm({ ...values, reason: String(values.reason ?? '').trim() }, opened.current);
      setOpen(false);
    } catch (error) {
      mark(true);
      setFault(error);
      if (!(error instanceof ApiError)) throw error;
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      {cloneElement(trigger, {
        onClick: () => {
          form.resetFields();
          opened.current = seen;
          setFault(null);
          setOpen(true);
        },
      })}
      <Modal
        open={open}
        title={title}
        onCancel={() => !busy && setOpen(false)}
        destroyOnHidden
        footer={[
          <Button key="no" onClick={() => setOpen(false)} disabled={busy}>
            {t('form.cancel')}
          </Button>,
          <Button
            key="yes"
            type="primary"
            danger={danger}
            disabled={!right}
            loading={busy}
            onClick={() => form.submit()}
          >
            {confirm ?? t('form.confirm')}
          </Button>,
        ]}
      >
        <FaultAlert fault={fault} />
        {consequence ? <div style={{ marginBottom: 16 }}>{consequence}</div> : null}
        <Form form={form} name={id} layout="vertical" onFinish={() => void go()} onValuesChange={() => mark(true)}>
          {children}
          {reason ? (
            <Form.Item
              name="reason"
              label={t('form.reason')}
              rules={[{ required: true, whitespace: true, message: t('form.reasonNeeded') }]}
            >
              <Input.TextArea rows={2} maxLength={200} showCount placeholder={t('form.reasonHint')} />
            </Form.Item>
          ) : null}
          {name ? (
            <Form.Item name="typed" label={t('form.typeName', { name })}>
              <Input autoComplete="off" spellCheck={false} />
            </Form.Item>
          ) : null}
        </Form>
      </Modal>
    </>
  );
}
