import { Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { slots } from '@/app/slots';

/** TakeOut takes the people of a segment, or of a list, out as a file. Absent where the
 * operator may not see members. */
export function TakeOut({ list, query }: { list: 'segment_people' | 'list_people'; query: Record<string, string> }) {
  const { t } = useTranslation('audience');
  const { ExportButton } = slots;
  if (!ExportButton) return null;
  return (
    <Suspense fallback={null}>
      <ExportButton list={list} query={query} label={t('takeOut.button')} what={t('takeOut.what')} />
    </Suspense>
  );
}
