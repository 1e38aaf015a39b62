import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { formatTime } from '@/ui';

type T = (key: string, options?: Record<string, unknown>) => string;

/** lasts says a span as a person would: seconds, minutes, hours or days. */
export function lasts(t: T, seconds: number): string {
  if (seconds < 90) return t('span.seconds', { n: Math.max(1, Math.round(seconds)) });
  if (seconds < 5400) return t('span.minutes', { n: Math.round(seconds / 60) });
  if (seconds < 172_800) return t('span.hours', { n: (seconds / 3600).toFixed(1) });
  return t('span.days', { n: Math.floor(seconds / 86_400) });
}

/** Countdown says how long it is until a moment, and goes on saying it. */
export function Countdown({ at }: { at: string }) {
  const { t } = useTranslation('pushes');
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const left = (Date.parse(at) - now) / 1000;
  if (left <= 0) return <span>{t('when.due')}</span>;
  return <span>{t('when.countdown', { at: formatTime(at), left: lasts(t, left) })}</span>;
}
