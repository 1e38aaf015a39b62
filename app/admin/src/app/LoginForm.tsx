import { Alert, Button, Form, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError, call, errorText } from '@/api';
import { halfWidth } from '@/ui/money';

type Entered = { login?: string; password: string; code?: string };

/** LoginForm asks for name and password, and for the second factor where it is on. `as` is
 * who has to log in again: then only the rest is asked. */
export function LoginForm({
  as,
  note,
  onDone,
}: {
  as?: string;
  /** Said while nothing is wrong yet. */
  note?: string;
  onDone: () => void | Promise<void>;
}) {
  const { t } = useTranslation('app');
  const [fault, setFault] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [second, setSecond] = useState(false);
  const logIn = async (entered: Entered) => {
    setBusy(true);
    setFault(null);
    try {
      await call('POST', '/login', {
        body: {
          login: (as ?? entered.login ?? '').trim(),
          password: entered.password,
          code: halfWidth(entered.code ?? '').replace(/\s/g, ''),
        },
      });
      await onDone();
    } catch (error) {
      const needed = error instanceof ApiError && error.code === 'totp_needed';
      if (needed) setSecond(true);
      setFault(needed && !second ? null : error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      {note && !fault && !second ? <Alert type="info" showIcon title={note} style={{ marginBottom: 16 }} /> : null}
      {fault ? (
        <Alert type="error" showIcon title={errorText(fault)} role="alert" style={{ marginBottom: 16 }} />
      ) : null}
      <Form<Entered> layout="vertical" onFinish={logIn} requiredMark={false} initialValues={{ login: as }}>
        <Form.Item name="login" label={t('login.login')} rules={[{ required: true, message: t('login.loginNeeded') }]}>
          <Input autoComplete="username" autoFocus={!as} disabled={as !== undefined} size="large" spellCheck={false} />
        </Form.Item>
        <Form.Item
          name="password"
          label={t('login.password')}
          rules={[{ required: true, message: t('login.passwordNeeded') }]}
        >
          <Input.Password autoComplete="current-password" autoFocus={as !== undefined} size="large" />
        </Form.Item>
        {second ? (
          <Form.Item
            name="code"
            label={t('login.code')}
            extra={t('login.codeHint')}
            rules={[{ required: true, message: t('login.codeNeeded') }]}
          >
            <Input autoComplete="one-time-code" autoFocus size="large" inputMode="text" maxLength={20} />
          </Form.Item>
        ) : null}
        <Button type="primary" htmlType="submit" size="large" block loading={busy}>
          {t('login.button')}
        </Button>
      </Form>
    </>
  );
}
