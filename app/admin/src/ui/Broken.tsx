import { Button, Result } from 'antd';
import { useTranslation } from 'react-i18next';
import { ApiError, errorText } from '@/api/error';
import { Copy } from './Copy';

/** Broken stands in place of what could not be shown: why, what to do, and the number of
 * the request for whoever helps. */
export function Broken({ error, again }: { error: unknown; again?: () => void }) {
  const { t } = useTranslation('app');
  const requestId = error instanceof ApiError ? error.requestId : '';
  const missing = error instanceof ApiError && error.status === 404;
  return (
    <Result
      status={missing ? '404' : 'warning'}
      title={errorText(error)}
      subTitle={
        requestId ? (
          <>
            {t('errors.requestId')} <Copy text={requestId} />
          </>
        ) : undefined
      }
      extra={again && !missing ? <Button onClick={again}>{t('errors.again')}</Button> : undefined}
    />
  );
}
