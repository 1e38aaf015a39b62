import { useTranslation } from 'react-i18next';
import { useCan } from '@/app/session';
import { Page, Tabs } from '@/ui';
import { BlockedKeys, Kinds } from './keys';
import { MergeByHand, Merges } from './merges';
import { Reviews } from './reviews';

/** Merging: who may be one person, who was joined, and keys that join nobody. */
export function Component() {
  const { t } = useTranslation('members');
  const may = useCan();
  const tabs = [
    { key: 'reviews', content: () => <Reviews /> },
    { key: 'merges', content: () => <Merges /> },
    { key: 'blocked', content: () => <BlockedKeys /> },
    { key: 'kinds', content: () => <Kinds /> },
  ];
  return (
    <Page
      title={t('menu.merging')}
      about={t('merging.about')}
      watermark
      actions={may('identity:merge') ? <MergeByHand /> : null}
    >
      <Tabs tabs={tabs.map((x) => ({ ...x, label: t(`merging.tab.${x.key}`) }))} />
    </Page>
  );
}
