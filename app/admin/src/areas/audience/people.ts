import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useMe } from '@/app/session';
import { formatCount } from '@/ui';

export type People = {
  /** How few people are not counted for who is logged in; 0: he sees every number exactly. */
  under: number;
  /** A number of people as he may know it. */
  of: (n: number) => string;
  /** The same of a number that is about so many for everybody. */
  about: (n: number) => string;
  /** Which part n is of all, in percent; of too few to be counted there is none to tell. */
  share: (n: number, all: number) => string;
};

/** usePeople writes numbers of people: for who may see no members they come rounded, and few
 * are "fewer than". */
export function usePeople(): People {
  const { t } = useTranslation('audience');
  const under = useMe().me.under ?? 0;
  return useMemo(() => {
    // What a page works out of rounded numbers is rounded, too.
    const veiled = (n: number) =>
      n < under ? t('funnel.few', { n: under }) : t('funnel.about', { n: formatCount(Math.round(n / under) * under) });
    return {
      under,
      of: under > 0 ? veiled : formatCount,
      about: under > 0 ? veiled : (n) => `≈ ${formatCount(n)}`,
      share: (n, all) => (all > 0 && n >= under ? `${Math.min(100, (100 * n) / all).toFixed(1)}%` : '—'),
    };
  }, [t, under]);
}
