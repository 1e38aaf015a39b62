import { Alert, Button, Form, Input } from 'antd';
import { useEffect, useState } from 'react';
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
  const [wait, setWait] = useState(0); // seconds for which the server looks at no try
  useEffect(() => {
    if (wait === 0) return;
    const timer = setTimeout(() => {
      setWait(wait - 1);
      if (wait === 1) setFault(null);
    }, 1000);
    return () => clearTimeout(timer);
  }, [wait]);
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
      const pause = error instanceof ApiError ? Number(error.detail.retry_after_s) : 0;
      if (pause > 0) setWait(Math.ceil(pause));
    } finally {
      setBusy(false);
    }
  };
  const minutes = Math.floor(wait / 60);
  const said =
    wait > 0
      ? t('login.wait', {
          time:
            (minutes > 0 ? t('login.minutes', { n: minutes }) : '') +
            (wait % 60 > 0 ? t('login.seconds', { n: wait % 60 }) : ''),
        })
      : errorText(fault);
  return (
    <>
      {note && !fault && !second ? <Alert type="info" showIcon title={note} style={{ marginBottom: 16 }} /> : null}
      {fault ? <Alert type="error" showIcon title={said} role="alert" style={{ marginBottom: 16 }} /> : null}
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
        <Button type="primary" htmlType="submit" size="large" block loading={busy} disabled={wait > 0}>
          {t('login.button')}
        </Button>
      </Form>
    </>
  );
}
