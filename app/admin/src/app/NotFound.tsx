import { Result } from 'antd';
import { useTranslation } from 'react-i18next';
import { LinkButton } from '@/ui/LinkButton';

/** An address that is no page. */
export function NotFound() {
  const { t } = useTranslation('app');
  return (
    <Result
      status="404"
      title={t('notFound.title')}
      subTitle={t('notFound.text')}
      extra={
        <LinkButton to="/" type="primary">
          {t('notFound.home')}
        </LinkButton>
      }
    />
  );
}

/** A page somebody may not see: says which permission is missing and whom to ask. */
export function Forbidden({ permission }: { permission?: string }) {
  const { t } = useTranslation('app');
  return (
    <Result
      status="403"
      title={t('forbidden.title')}
      subTitle={t('forbidden.text', { permission: permission ?? '' })}
      extra={
        <LinkButton to="/" type="primary">
          {t('notFound.home')}
        </LinkButton>
      }
    />
  );
}
