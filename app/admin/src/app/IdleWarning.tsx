import { App } from 'antd';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { call } from '@/api';
import { lastAnswer } from '@/api/client';
import { useMe } from './session';

const warnBefore = 5 * 60_000;

/** IdleWarning tells in time that a session is about to end: without use, or because its
 * day is over. What is half filled in can still be saved. */
export function IdleWarning() {
  const { t } = useTranslation('app');
  const { modal } = App.useApp();
  const { me } = useMe();
  useEffect(() => {
    let open = false;
    const idle = (me.idle_s || 7200) * 1000;
    const end = Date.parse(me.expires_at);
    const timer = setInterval(() => {
      const now = Date.now();
      const left = Math.min(lastAnswer() + idle, end) - now;
      if (open || left > warnBefore) return;
      open = true;
      const over = end - now <= warnBefore;
      modal.confirm({
        title: over ? t('idle.over') : t('idle.title'),
        content: over ? t('idle.overText') : t('idle.text', { minutes: Math.max(1, Math.round(left / 60_000)) }),
        okText: over ? t('idle.understood') : t('idle.stay'),
        cancelButtonProps: { style: { display: 'none' } },
        onOk: async () => {
          if (over) return;
          await call('GET', '/me').catch(() => {});
          open = false;
        },
      });
    }, 15_000);
    return () => clearInterval(timer);
  }, [me, modal, t]);
  return null;
}
