import { Button, Card, Typography } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Navigate, useNavigate, useSearchParams } from 'react-router';
import { type Language, setLanguage } from '@/i18n';
import { LoginForm } from './LoginForm';

/** safeReturn keeps only addresses of the panel itself. */
export function safeReturn(to: string | null): string {
  return to?.startsWith('/') && !to.startsWith('//') && !to.startsWith('/\\') && !to.startsWith('/login') ? to : '/';
}

/** The log-in: name and password, and the second factor where it is on. */
export function Component() {
  const { t, i18n } = useTranslation('app');
  const navigate = useNavigate();
  const [search] = useSearchParams();
  const [done, setDone] = useState(false);
  const to = safeReturn(search.get('to'));

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
        <LoginForm
          note={search.get('to') ? t('login.again') : undefined}
          onDone={() => {
            setDone(true);
            navigate(to, { replace: true });
          }}
        />
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
