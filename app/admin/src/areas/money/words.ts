import { useTranslation } from 'react-i18next';
import type { Option } from '@/ui';

/** useWords gives the words of this area by group: {settled: '已到账', …}. */
export function useWords(group: string): Record<string, string> {
  const { t } = useTranslation('money');
  return t(group, { returnObjects: true }) as unknown as Record<string, string>;
}

/** optionsOf makes the options of a filter of them. */
export function optionsOf(words: Record<string, string>): Option[] {
  return Object.entries(words).map(([value, label]) => ({ value, label }));
}

/** ageOf is how many whole days ago something was. */
export function ageOf(at: string | null | undefined): number {
  return at ? Math.max(0, Math.floor((Date.now() - Date.parse(at)) / 86_400_000)) : 0;
}
