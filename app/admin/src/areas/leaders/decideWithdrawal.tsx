import { Button, Form, type FormInstance, Input } from 'antd';
import { type Ref, useImperativeHandle, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { useWrite } from '@/api';
import { ApiError } from '@/api/error';
import { Danger, formatFen, Money, MoneyInput } from '@/ui';
import { Act } from './parts';

type Asked = { id: string; amount_fen: number; tax_fen: number; who: { name: string } };
type Terms = { tax_fen: number | null; suggested_fen: number; reason?: string };

/** DecideWithdrawal pays, with the tax as suggested or another one and why, or refuses. */
export function DecideWithdrawal({ w, small }: { w: Asked; small?: boolean }) {
  const { t } = useTranslation('leaders');
  const look = small ? ({ type: 'link', size: 'small' } as const) : ({} as const);
  const form = useRef<FormInstance<Terms>>(null);
  const approve = useWrite('post', '/withdrawals/{id}/approve', {
    invalidate: ['/withdrawals'],
    done: t('withdrawals.approved'),
    quiet: true,
  });
  const pay = async (v: { reason: string } & Record<string, unknown>) => {
    const { tax_fen, suggested_fen } = v as unknown as Terms;
    try {
      await approve.mutateAsync({
        params: { path: { id: w.id } },
        body: { tax_fen, suggested_fen, ...(v.reason ? { reason: v.reason } : {}) },
      });
    } catch (error) {
      const now = error instanceof ApiError && error.code === 'withdrawal_tax_moved' ? error.detail.tax_fen : undefined;
      if (typeof now === 'number') {
        // What was not typed follows the rules; the amounts are there to be looked at and pressed again.
        form.current?.setFieldsValue({ suggested_fen: now, ...(tax_fen === suggested_fen ? { tax_fen: now } : {}) });
      }
      throw error;
    }
  };
  return (
    <>
      <Danger
        danger={false}
        onConfirm={pay}
        trigger={
          <Button {...look} {...(small ? {} : { type: 'primary' as const })}>
            {t('withdrawals.approve')}
          </Button>
        }
        title={t('withdrawals.approveTitle', { name: w.who.name })}
        confirm={t('withdrawals.approve')}
        consequence={<span className="muted">{t('withdrawals.approveText')}</span>}
      >
        <Amounts w={w} ref={form} />
      </Danger>
      <Act
        method="post"
        path="/withdrawals/{id}/refuse"
        id={w.id}
        reason
        invalidate={['/withdrawals']}
        done={t('withdrawals.refused')}
        trigger={
          <Button {...look} danger>
            {t('withdrawals.refuse')}
          </Button>
        }
        title={t('withdrawals.refuseTitle', { name: w.who.name })}
        consequence={t('withdrawals.refuseText')}
      />
    </>
  );
}

/** Amounts are the tax and what is left of the sum, as they are sent: the figures of this form
 * alone, taken when it was opened, whatever the page behind it reads meanwhile. */
function Amounts({ w, ref }: { w: Asked; ref: Ref<FormInstance<Terms>> }) {
  const { t } = useTranslation('leaders');
  const form = Form.useFormInstance<Terms>();
  useImperativeHandle(ref, () => form, [form]);
  const tax = Form.useWatch('tax_fen', form);
  const suggested = Form.useWatch('suggested_fen', form);
  const other = typeof tax === 'number' && tax !== suggested;
  return (
    <>
      <p role="status">
        {t('withdrawals.amount')}{' '}
        <strong>
          <Money fen={w.amount_fen} />
        </strong>{' '}
        − {t('withdrawals.taxFen')} <Money fen={tax} /> = {t('withdrawals.net')}{' '}
        <strong>
          <Money fen={typeof tax === 'number' ? w.amount_fen - tax : null} />
        </strong>
      </p>
      <Form.Item name="suggested_fen" initialValue={w.tax_fen} hidden>
        <Input />
      </Form.Item>
      <Form.Item
        name="tax_fen"
        label={t('withdrawals.taxFen')}
        initialValue={w.tax_fen}
        extra={t('withdrawals.taxHelp', { tax: formatFen(suggested) })}
        rules={[{ required: true, message: t('withdrawals.taxNeeded') }]}
      >
        <MoneyInput />
      </Form.Item>
      <Form.Item
        name="reason"
        label={t('form.reason')}
        dependencies={['tax_fen', 'suggested_fen']}
        extra={t('withdrawals.reasonHelp')}
        rules={[{ required: other, whitespace: other, message: t('withdrawals.reasonNeeded') }]}
      >
        <Input.TextArea rows={2} maxLength={200} showCount />
      </Form.Item>
    </>
  );
}
