import { DownOutlined, UserOutlined } from '@ant-design/icons';
import { App, Button, Dropdown, Select } from 'antd';
import { Suspense, useEffect, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Outlet, useBlocker, useLocation, useMatches, useNavigate, useNavigation } from 'react-router';
import { type Language, setLanguage } from '@/i18n';
import { Layout } from '@/ui/Layout';
import { unsaved } from '@/ui/unsaved';
import { Waiting } from '@/ui/Waiting';
import { entryOf } from './area';
import { areas } from './areas';
import { Brands, useBrand } from './brand';
import { IdleWarning } from './IdleWarning';
import { NoBrand } from './NoBrand';
import { Forbidden } from './NotFound';
import { Session, useMe } from './session';
import { slots } from './slots';
import { Watch } from './Watch';

/** Shell is everything around a page. */
export function Shell() {
  return (
    <Session>
      <Brands>
        <Frame />
      </Brands>
    </Session>
  );
}

function Frame() {
  const { t } = useTranslation('app');
  const { can } = useMe();
  const at = useLocation();
  const going = useNavigation();
  const items = useMemo(
    () =>
      areas
        .map((a) => ({
          path: `/~${a.key}`,
          name: t('title', { ns: a.key }),
          icon: a.icon,
          children: a.menu
            .filter((e) => can(e.permission))
            .map((e) => ({ path: e.path, name: t(e.title, { ns: a.key }) })),
        }))
        .filter((a) => a.children.length > 0)
        // One page needs no folder around it.
        .map((a) =>
          a.children.length === 1 && a.children[0] ? { ...a, path: a.children[0].path, children: undefined } : a,
        ),
    [can, t],
  );
  const { Search, Bell } = slots;
  return (
    <Layout
      title="siyu"
      menu={items}
      address={
        entryOf(
          areas.flatMap((a) => a.menu),
          at.pathname,
        )?.path ?? at.pathname
      }
      menuLabel={t('menu')}
      skip={t('skip')}
      tools={[
        <BrandSelect key="brand" />,
        Search && (
          <Suspense key="search" fallback={null}>
            <Search />
          </Suspense>
        ),
        Bell && (
          <Suspense key="bell" fallback={null}>
            <Bell />
          </Suspense>
        ),
        <UserMenu key="user" />,
      ].filter(Boolean)}
    >
      <Suspense fallback={<Waiting />}>
        <div aria-busy={going.state === 'loading'}>
          <Guarded />
        </div>
      </Suspense>
      <IdleWarning />
      <Leaving />
      <Watch />
    </Layout>
  );
}

/** leaves says whether what is on the page goes: also another brand and another tab take a
 * form away. */
function leaves(from: { pathname: string; search: string }, to: { pathname: string; search: string }): boolean {
  if (from.pathname !== to.pathname) return to.pathname !== '/login';
  const [old, next] = [new URLSearchParams(from.search), new URLSearchParams(to.search)];
  return (old.has('brand') && old.get('brand') !== next.get('brand')) || old.get('tab') !== next.get('tab');
}

/** Leaving asks before another page takes a half-filled form away. */
function Leaving() {
  const { t } = useTranslation('app');
  const { modal } = App.useApp();
  const blocked = useBlocker(({ currentLocation, nextLocation }) => leaves(currentLocation, nextLocation) && unsaved());
  useEffect(() => {
    if (blocked.state !== 'blocked') return;
    const ask = modal.confirm({
      title: t('form.leave'),
      content: t('form.leaveText'),
      okText: t('form.drop'),
      okButtonProps: { danger: true },
      cancelText: t('form.stay'),
      onOk: () => blocked.proceed(),
      onCancel: () => blocked.reset(),
    });
    return ask.destroy;
  }, [blocked, modal, t]);
  return null;
}

/** Guarded shows a page to those who may see it; the API would refuse the others anyway. A page
 * of a brand waits for none: where there is no brand yet, it says so. */
function Guarded() {
  const { t } = useTranslation('app');
  const { can } = useMe();
  const { brand, loading } = useBrand();
  const at = useLocation();
  const matches = useMatches();
  const own = matches
    .map((m) => (m.handle as { permission?: string | readonly string[] } | undefined)?.permission)
    .filter(Boolean)
    .pop();
  const entry = entryOf(
    areas.flatMap((a) => a.menu.map((e) => ({ ...e, area: a.key }))),
    at.pathname,
  );
  const wanted = own ?? entry?.permission;
  if (!can(wanted)) return <Forbidden permission={typeof wanted === 'string' ? wanted : wanted?.join(' / ')} />;
  if (entry && !entry.house && !brand && !loading) return <NoBrand title={t(entry.title, { ns: entry.area })} />;
  return <Outlet />;
}

function BrandSelect() {
  const { t } = useTranslation('app');
  const { brand, brands, choose } = useBrand();
  if (brands.length < 2) return null;
  return (
    <Select
      aria-label={t('brand')}
      value={brand?.id}
      onChange={choose}
      showSearch={{ optionFilterProp: 'label' }}
      options={brands.map((b) => ({ value: b.id, label: b.name }))}
      popupMatchSelectWidth={false}
      style={{ minWidth: 96, maxWidth: 180 }}
    />
  );
}

function UserMenu() {
  const { t, i18n } = useTranslation('app');
  const { me, logOut } = useMe();
  const navigate = useNavigate();
  const other: Language = i18n.language === 'en' ? 'zh-CN' : 'en';
  return (
    <Dropdown
      trigger={['click']}
      menu={{
        items: [
          { key: 'account', label: t('user.account') },
          { key: 'language', label: t('user.language') },
          { type: 'divider' },
          { key: 'logout', label: t('user.logout') },
        ],
        onClick: ({ key }) => {
          if (key === 'account') navigate('/account');
          if (key === 'language') void setLanguage(other);
          if (key === 'logout') logOut();
        },
      }}
    >
      <Button type="text" icon={<UserOutlined />} aria-label={t('user.menu', { name: me.operator.name })}>
        <span className="user-name">{me.operator.name}</span> <DownOutlined style={{ fontSize: 10 }} />
      </Button>
    </Dropdown>
  );
}
