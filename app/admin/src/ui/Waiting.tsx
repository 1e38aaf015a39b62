import { Spin } from 'antd';
import { useTranslation } from 'react-i18next';

/** Waiting fills the place of what is being loaded; it shows itself after 300 ms only, so
 * that a fast answer does not flicker. Browser tests know it by data-waiting: aria-busy would
 * keep a screen reader from saying that something loads. */
export function Waiting({ height = 240 }: { height?: number }) {
  const { t } = useTranslation('app');
  return (
    <div role="status" data-waiting aria-label={t('loading')} style={{ height, display: 'grid', placeItems: 'center' }}>
      <Spin delay={300} />
    </div>
  );
}
