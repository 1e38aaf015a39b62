import type { useAppProps } from 'antd/es/app/context';
import { ApiError, errorText } from '@/api/error';
import i18n from '@/i18n';
import { Copy } from './Copy';

/** showFault tells that something did not work, what to do, and the request's number. */
export function showFault(notification: useAppProps['notification'], error: unknown): void {
  const requestId = error instanceof ApiError ? error.requestId : '';
  notification.error({
    title: errorText(error),
    description: requestId ? (
      <>
        {i18n.t('errors.requestId', { ns: 'app' })} <Copy text={requestId} />
      </>
    ) : undefined,
    duration: 8,
    role: 'alert',
  });
}
