import { useTranslation } from 'react-i18next';

/** useWords are the words of one kind of thing, by its key. */
export function useWords(key: string): Record<string, string> {
  const { t } = useTranslation('goods');
  return t(key, { returnObjects: true }) as unknown as Record<string, string>;
}

/** useOptions are the same as choices of a filter or a form. */
export function useOptions(key: string): { value: string; label: string }[] {
  return Object.entries(useWords(key)).map(([value, label]) => ({ value, label }));
}
