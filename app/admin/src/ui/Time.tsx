import { Tooltip } from 'antd';
import { useTranslation } from 'react-i18next';
import { formatTime } from './time';

/** Time shows a moment in the brand's zone; the tooltip has seconds and names the zone. */
export function Time({
  at,
  seconds = false,
  precise = true,
}: {
  at: string | number | null | undefined;
  seconds?: boolean;
  precise?: boolean;
}) {
  const { t } = useTranslation('app');
  const text = formatTime(at, seconds);
  if (!text) return <span className="muted">—</span>;
  const time = (
    <time className="nums" dateTime={new Date(typeof at === 'number' ? at : String(at)).toISOString()}>
      {text}
    </time>
  );
  if (!precise) return time;
  return <Tooltip title={`${formatTime(at, true)} ${t('time.zone')}`}>{time}</Tooltip>;
}
