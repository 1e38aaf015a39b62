import { useTranslation } from 'react-i18next';
import { useBrandID } from '@/app/brand';
import { Page, Tabs } from '@/ui';
import { Liability } from './rules/liability';
import { PointsRules } from './rules/points';
import { Tiers } from './rules/tiers';

/** Rules of points and levels of a brand. */
export function Component() {
  const { t } = useTranslation('members');
  const brand = useBrandID();
  const tabs = [
    { key: 'points', permission: 'points:read', content: () => <PointsRules brand={brand} key={brand} /> },
    { key: 'tiers', permission: 'tier:read', content: () => <Tiers brand={brand} key={brand} /> },
    { key: 'liability', permission: 'points:read', content: () => <Liability brand={brand} /> },
  ];
  return (
    <Page title={t('menu.rules')} about={t('rules.about')}>
      {brand ? <Tabs tabs={tabs.map((x) => ({ ...x, label: t(`rules.tab.${x.key}`) }))} /> : null}
    </Page>
  );
}
