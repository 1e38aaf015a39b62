import { useTranslation } from 'react-i18next';
import { mark } from '@/i18n/marks';
import type { Definition } from './definition';
import { useFieldTitle } from './words';

type Said = Pick<Definition, 'source' | 'event_type' | 'field'> & {
  cases: readonly { value: string }[];
  choices: readonly string[];
};

/** Short says what was defined in one line. */
export function Short({ brand, definition: d }: { brand: string; definition: Said | undefined }) {
  const { t } = useTranslation('audience');
  const field = useFieldTitle(brand, d);
  if (!d) return null;
  if (d.source === 'rule') {
    const values = d.cases.map((c) => c.value).filter(Boolean);
    return values.length > 0
      ? t('tag.ruleValues', { n: values.length, values: values.join(mark('、')) })
      : t('tag.ruleYes');
  }
  return [
    t(`tag.source.${d.source}`),
    d.event_type && t(`tag.events.${d.event_type}`, { defaultValue: d.event_type }),
    field && t('tag.fieldOf', { field }),
    d.choices.length > 0 && t('tag.ofChoices', { values: d.choices.join(mark('、')) }),
  ]
    .filter(Boolean)
    .join(' · ');
}
