import { Button, Form, Steps } from 'antd';
import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '@/api/error';
import { FaultAlert, isOver } from './FormDrawer';
import { unread } from './unread';
import { bare, useUnsaved } from './unsaved';

export type Step<V extends object> = {
  key: string;
  title: string;
  /** Form.Items of this step; the last one is the review. */
  render: (values: Partial<V>) => ReactNode;
  /** Runs before the next step; a rejected promise with an ApiError keeps this one. */
  check?: (values: Partial<V>) => Promise<unknown>;
};

export type StepWizardProps<V extends object> = {
  steps: readonly Step<V>[];
  initial?: Partial<V>;
  onFinish: (values: V) => Promise<unknown>;
  finish: ReactNode;
  onCancel?: () => void;
  /** Beside the steps, e.g. a PhoneFrame with a preview. */
  aside?: (values: Partial<V>) => ReactNode;
};

/** StepWizard leads through a long form; going back loses nothing, and nothing is sent
 * before the last step. */
export function StepWizard<V extends object>({
  steps,
  initial,
  onFinish,
  finish,
  onCancel,
  aside,
}: StepWizardProps<V>) {
  const { t } = useTranslation('app');
  const [form] = Form.useForm<V>();
  const id = useId();
  const [at, setAt] = useState(0);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<unknown>(null);
  const mark = useUnsaved();
  Form.useWatch([], form);
  const values = { ...initial, ...(form.getFieldsValue(true) as Partial<V>) };
  const begun = useRef<string | null>(null);
  // After each drawing, for buttons fill fields, too. What finishes may open the page of what
  // it made: nobody is asked then.
  useEffect(() => {
    const now = bare(values);
    begun.current ??= now;
    mark(!busy && now !== begun.current);
  });
  const last = at === steps.length - 1;
  const run = async (act: () => Promise<unknown>) => {
    setBusy(true);
    setFault(null);
    try {
      await act();
    } catch (error) {
      if (!isOver(error)) setFault(error);
      if (!(error instanceof ApiError)) throw error;
    } finally {
      setBusy(false);
    }
  };
  const next = () =>
    run(async () => {
      try {
        await form.validateFields();
      } catch {
        return; // the fields say what is missing
      }
      if (unread(document.getElementById(id))) return;
      const all = { ...initial, ...(form.getFieldsValue(true) as V) };
      await steps[at]?.check?.(all);
      if (!last) {
        setAt(at + 1);
        return;
      }
      mark(false); // finishing opens the page of what was made
      await onFinish(all as V);
    });
  return (
    <div className="section">
      <Steps
        current={at}
        size="small"
        responsive
        items={steps.map((s) => ({ key: s.key, title: s.title }))}
        onChange={(i) => {
          if (i < at) setAt(i);
        }}
        style={{ marginBottom: 24 }}
      />
      <div className="wizard">
        <div style={{ flex: 1, minWidth: 0 }}>
          <FaultAlert fault={fault} />
          <Form<V>
            form={form}
            name={id}
            layout="vertical"
            initialValues={initial as never}
            onFinish={() => void next()}
            preserve
          >
            {steps[at]?.render(values)}
            <div className="page-actions" style={{ marginTop: 16 }}>
              {at > 0 ? (
                <Button disabled={busy} onClick={() => setAt(at - 1)}>
                  {t('form.back')}
                </Button>
              ) : null}
              <Button type="primary" htmlType="submit" loading={busy}>
                {last ? finish : t('form.next')}
              </Button>
              {onCancel ? (
                <Button type="text" disabled={busy} onClick={onCancel}>
                  {t('form.cancel')}
                </Button>
              ) : null}
            </div>
          </Form>
        </div>
        {aside ? <div>{aside(values)}</div> : null}
      </div>
    </div>
  );
}
