import { useTranslation } from 'react-i18next';
import { mark } from '@/i18n/marks';
import { formatFen } from '@/ui';

export type Part = { key: string; fen: number; colour: string };

/** MoneyBar is where the reserved money of a campaign is: one bar, its parts in words. */
export function MoneyBar({ total, parts }: { total: number; parts: readonly Part[] }) {
  const { t } = useTranslation('campaigns');
  const words = parts.map((p) => `${t(`money.${p.key}`)} ${formatFen(p.fen)}`).join(mark('，'));
  return (
    <div>
      <div className="campaign-bar" role="img" aria-label={words}>
        {parts.map((p) =>
          p.fen > 0 ? (
            <span key={p.key} style={{ width: `${(p.fen / Math.max(total, 1)) * 100}%`, background: p.colour }} />
          ) : null,
        )}
      </div>
      <div className="campaign-legend">
        {parts.map((p) => (
          <span key={p.key}>
            <i style={{ background: p.colour }} aria-hidden />
            {t(`money.${p.key}`)} <strong className="nums">{formatFen(p.fen)}</strong>
          </span>
        ))}
        <span className="muted">{t('money.of', { fen: formatFen(total) })}</span>
      </div>
    </div>
  );
}
