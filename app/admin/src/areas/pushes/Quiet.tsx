import { Alert } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useGet } from '@/api';

const hour = (minute: number) =>
  [Math.floor(minute / 60), minute % 60].map((n) => String(n).padStart(2, '0')).join(':');

/** Quiet says when nothing of a push is sent, or that there is no such time: then people are
 * written to at night as well. */
export function Quiet({ brand }: { brand: string }) {
  const { t } = useTranslation('pushes');
  const { data } = useGet('/brands/{id}/quiet-hours', { params: { path: { id: brand } }, enabled: brand !== '' });
  if (!data) return null;
  const { from_minute: from, until_minute: until } = data;
  if (from !== until) return <p className="muted">{t('when.quiet', { from: hour(from), until: hour(until) })}</p>;
  return (
    <Alert
      type="warning"
      showIcon
      title={t('when.noQuiet')}
      action={<Link to="/settings/quiet">{t('when.setQuiet')}</Link>}
      style={{ marginBottom: 16 }}
    />
  );
}
