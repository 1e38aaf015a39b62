import { focusManager } from '@tanstack/react-query';
import { Button, Modal } from 'antd';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { LoginForm } from './LoginForm';

/** Relogin stands before the page of somebody whose session is over: he goes on where he was,
 * with what he had half filled in. Nothing of the page is to be seen meanwhile. */
export function Relogin({
  login,
  onDone,
  onLeave,
}: {
  login: string;
  onDone: () => void | Promise<void>;
  onLeave: () => void;
}) {
  const { t } = useTranslation('app');
  // The lists behind it ask no more: without a session they would only be refused.
  useEffect(() => {
    focusManager.setFocused(false);
    return () => focusManager.setFocused(undefined);
  }, []);
  return (
    <Modal
      open
      closable={false}
      keyboard={false}
      mask={{ closable: false }}
      zIndex={3000}
      styles={{ mask: { background: '#f5f7fa' } }}
      width={400}
      title={t('login.over')}
      footer={
        <Button type="link" onClick={onLeave}>
          {t('login.other')}
        </Button>
      }
    >
      <p className="muted">{t('login.overText')}</p>
      <LoginForm as={login} onDone={onDone} />
    </Modal>
  );
}
