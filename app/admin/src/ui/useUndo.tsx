import { App, Button } from 'antd';
import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { type Send, useSend } from '@/api/hooks';
import { showFault } from './fault';

/** useUndo says that something is done and offers for some seconds to take it back. The way
 * back is a write of its own, with its own line in the audit log and `why` as its reason. */
export function useUndo(): (done: string, back: (send: Send, why: string) => Promise<unknown>) => void {
  const { message, notification } = App.useApp();
  const { t } = useTranslation('app');
  const send = useSend();
  const count = useRef(0);
  return (done, back) => {
    const key = `undo-${Date.now()}-${count.current++}`;
    message.open({
      key,
      type: 'success',
      duration: 8,
      content: (
        <>
          {done}{' '}
          <Button
            type="link"
            size="small"
            onClick={() => {
              message.destroy(key); // a second click would be a second act
              back(send, t('form.undoReason')).then(
                () => message.success(t('form.undone')),
                (error: unknown) => showFault(notification, error),
              );
            }}
          >
            {t('form.undo')}
          </Button>
        </>
      ),
    });
  };
}
