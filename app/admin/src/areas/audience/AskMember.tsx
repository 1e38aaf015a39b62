import { Alert, Button, Form, Input } from 'antd';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { errorText } from '@/api/error';
import { halfWidth } from '@/ui';

/** AskMember asks of whom something is to be said, by the member's number, and says what went
 * wrong with the answer. Where there is nothing else to see, a number is required. */
export function AskMember({
  member,
  ask,
  busy,
  error,
  required = false,
}: {
  member: string;
  ask: (member: string) => void;
  busy: boolean;
  error: unknown;
  required?: boolean;
}) {
  const { t } = useTranslation('audience');
  const [form] = Form.useForm<{ member?: string }>();
  useEffect(() => form.setFieldValue('member', member), [form, member]);
  return (
    <>
      <Form form={form} layout="inline" style={{ rowGap: 8 }} onFinish={(v) => ask(halfWidth(v.member ?? '').trim())}>
        <Form.Item
          name="member"
          label={t('why.member')}
          rules={[{ required, pattern: /^\s*\d+\s*$/, message: t('lists.notNumbers') }]}
        >
          <Input style={{ width: 220 }} placeholder={t('why.placeholder')} />
        </Form.Item>
        <Button type={required ? 'primary' : 'default'} htmlType="submit" loading={busy}>
          {t('why.ask')}
        </Button>
      </Form>
      {error ? <Alert type="warning" showIcon title={errorText(error)} style={{ marginTop: 12 }} /> : null}
    </>
  );
}
