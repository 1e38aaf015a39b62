import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { Detail, formatCount, formatTime } from '@/ui';
import { type Campaign, eachText, oddsText } from './draft';
import { PrizeTable } from './PrizeTable';
import type { StepKey } from './wizard';

/** Summary is everything that was filled in, on one screen before it is published, each part
 * with the way back to its step. */
export function Summary({
  campaign: c,
  codes,
  spend,
  go,
}: {
  campaign: Campaign;
  codes: number;
  spend: number;
  go: (step: StepKey) => void;
}) {
  const { t } = useTranslation('campaigns');
  const times = (n: number) => (n ? t('frozen.times', { n: formatCount(n) }) : t('frozen.unlimited'));
  const edit = (step: StepKey) => (
    <Button size="small" type="link" onClick={() => go(step)} aria-label={`${t('action.edit')} ${t(`step.${step}`)}`}>
      {t('action.edit')}
    </Button>
  );
  const tiers = c.tiers ?? [];
  const won = tiers.reduce((n, x) => n + (x.kind === 'nothing' ? 0 : x.winners), 0);
  return (
    <>
      <Detail
        items={[
          {
            label: t('field.window'),
            value: (
              <>
                {formatTime(c.from_at)} – {formatTime(c.until_at)} {edit('scope')}
              </>
            ),
            wide: true,
          },
          {
            label: t('frozen.scope'),
            value: (
              <>
                {t('scope.sum', { codes: formatCount(codes) })} {edit('scope')}
              </>
            ),
          },
          {
            label: t('review.chance'),
            value: codes ? t('review.chanceText', { odds: oddsText(won, codes), n: formatCount(won) }) : '—',
          },
          { label: t('review.each'), value: eachText(spend, codes) },
          {
            label: t('review.caps'),
            value: (
              <>
                {t('review.capsText', {
                  day: times(c.cap_member_day),
                  member: times(c.cap_member),
                  total: times(c.cap_total),
                })}{' '}
                {edit('budget')}
              </>
            ),
            wide: true,
          },
        ]}
      />
      <div style={{ height: 12 }} />
      <PrizeTable tiers={tiers} codes={codes} />
      <div style={{ textAlign: 'right' }}>{edit('prizes')}</div>
    </>
  );
}
