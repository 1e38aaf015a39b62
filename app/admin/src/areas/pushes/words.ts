import { useTranslation } from 'react-i18next';

type Way = { channel: string; account_name?: string; template_id?: string };

/** useWayName says a way in words: the channel, by which account, of which template. */
export function useWayName(): (w: Way) => string {
  const { t } = useTranslation('pushes');
  return (w) => {
    const parts = [t(`channel.${w.channel}`, { defaultValue: w.channel })];
    if (w.account_name) parts.push(w.account_name);
    if (w.template_id) parts.push(`${w.template_id.slice(0, 8)}…`);
    return parts.join(' · ');
  };
}
