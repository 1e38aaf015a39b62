import { Alert, Button, Card, Form, Input, Typography } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Navigate, useNavigate, useSearchParams } from 'react-router';
import { ApiError, call, errorText } from '@/api';
import { type Language, setLanguage } from '@/i18n';

type Entered = { login: string; password: string; code?: string };

/** safeReturn keeps only addresses of the panel itself. */
export function safeReturn(to: string | null): string {
  return to?.startsWith('/') && !to.startsWith('//') && !to.startsWith('/\\') && !to.startsWith('/login') ? to : '/';
}

/** The log-in: name and password, and the second factor where it is on. */
export function Component() {
  const { t, i18n } = useTranslation('app');
  const navigate = useNavigate();
  const [search] = useSearchParams();
  const [fault, setFault] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [second, setSecond] = useState(false);
  const [done, setDone] = useState(false);
  const to = safeReturn(search.get('to'));

  const logIn = async (entered: Entered) => {
    setBusy(true);
    setFault(null);
    try {
      await call('POST', '/login', {
        body: {
          login: entered.login.trim(),
          password: entered.password,
          code: (entered.code ?? '').replace(/\s/g, ''),
        },
      });
      setDone(true);
      navigate(to, { replace: true });
    } catch (error) {
      const needed = error instanceof ApiError && error.code === 'totp_needed';
      if (needed) setSecond(true);
      setFault(needed && !second ? null : error);
    } finally {
      setBusy(false);
    }
  };
  if (done) return <Navigate to={to} replace />;
  const other: Language = i18n.language === 'en' ? 'zh-CN' : 'en';
  return (
    <main style={{ minHeight: '100vh', display: 'grid', placeItems: 'center', background: '#f5f7fa', padding: 16 }}>
      <Card style={{ width: 'min(400px, 100%)' }}>
        <div style={{ display: 'flex', alignItems: 'center', gap: 12, marginBottom: 24 }}>
          <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width={36} height={36} />
          <Typography.Title level={1} style={{ fontSize: 22, margin: 0 }}>
            {t('login.title')}
          </Typography.Title>
        </div>
        {search.get('to') && !fault && !second ? (
          <Alert type="info" showIcon title={t('login.again')} style={{ marginBottom: 16 }} />
        ) : null}
        {fault ? (
          <Alert type="error" showIcon title={errorText(fault)} role="alert" style={{ marginBottom: 16 }} />
        ) : null}
        <Form<Entered> layout="vertical" onFinish={logIn} requiredMark={false}>
          <Form.Item
            name="login"
            label={t('login.login')}
            rules={[{ required: true, message: t('login.loginNeeded') }]}
          >
            <Input autoComplete="username" autoFocus size="large" spellCheck={false} />
          </Form.Item>
          <Form.Item
            name="password"
            label={t('login.password')}
            rules={[{ required: true, message: t('login.passwordNeeded') }]}
          >
            <Input.Password autoComplete="current-password" size="large" />
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
        <div style={{ display: 'flex', justifyContent: 'space-between', marginTop: 16 }}>
          <span className="muted">{t('login.forgotten')}</span>
          <Button type="link" size="small" style={{ padding: 0 }} onClick={() => void setLanguage(other)}>
            {t('user.language')}
          </Button>
        </div>
      </Card>
    </main>
  );
}
