import { Tabs } from 'antd';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { Empty, Page } from '@/ui';
import { Liability } from './rules/liability';
import { PointsRules } from './rules/points';
import { Tiers } from './rules/tiers';

/** Rules of points and levels of a brand. */
export function Component() {
  const { t } = useTranslation('members');
  const may = useCan();
  const brand = useBrandID();
  const [search, setSearch] = useSearchParams();
  const tabs = [
    { key: 'points', permission: 'points:read', content: <PointsRules brand={brand} key={brand} /> },
    { key: 'tiers', permission: 'tier:read', content: <Tiers brand={brand} key={brand} /> },
    { key: 'liability', permission: 'points:read', content: <Liability brand={brand} /> },
  ].filter((x) => may(x.permission));
  const tab = tabs.some((x) => x.key === search.get('tab')) ? (search.get('tab') ?? '') : (tabs[0]?.key ?? '');
  return (
    <Page title={t('menu.rules')} about={t('rules.about')}>
      {brand ? (
        <Tabs
          activeKey={tab}
          destroyOnHidden
          onChange={(key) => {
            const next = new URLSearchParams({ tab: key });
            const b = search.get('brand');
            if (b) next.set('brand', b);
            setSearch(next, { replace: true });
          }}
          items={tabs.map((x) => ({ key: x.key, label: t(`rules.tab.${x.key}`), children: x.content }))}
        />
      ) : (
        <Empty title={t('rules.noBrand')} text={t('rules.noBrandText')} />
      )}
    </Page>
  );
}
