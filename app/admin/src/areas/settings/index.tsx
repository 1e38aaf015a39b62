import { SettingOutlined } from '@ant-design/icons';
import type { Area } from '@/app/area';

const limits = ['points:read', 'withdrawal:read', 'campaign:read'];

export const area: Area = {
  key: 'settings',
  icon: <SettingOutlined />,
  menu: [
    { path: '/settings/staff', title: 'menu.staff', permission: 'operator:read', house: true },
    { path: '/settings/roles', title: 'menu.roles', permission: 'operator:read', house: true },
    { path: '/settings/brands', title: 'menu.brands', permission: 'brand:read', house: true },
    { path: '/settings/accounts', title: 'menu.accounts', permission: 'account:read' },
    { path: '/settings/replies', title: 'menu.replies', permission: 'reply:read' },
    { path: '/settings/apikeys', title: 'menu.apikeys', permission: 'apikey:read' },
    { path: '/settings/limits', title: 'menu.limits', permission: limits },
    { path: '/settings/quiet', title: 'menu.quiet', permission: 'brand:read' },
    { path: '/settings/audit', title: 'menu.audit', permission: 'audit:read', house: true },
  ],
  routes: [
    { path: 'settings/staff', lazy: () => import('./staff') },
    { path: 'settings/staff/:id', lazy: () => import('./person') },
    { path: 'settings/roles', lazy: () => import('./roles') },
    { path: 'settings/brands', lazy: () => import('./brands') },
    { path: 'settings/brands/:id', lazy: () => import('./brand') },
    { path: 'settings/accounts', lazy: () => import('./accounts') },
    { path: 'settings/accounts/:id', lazy: () => import('./account') },
    { path: 'settings/replies', lazy: () => import('./replies') },
    { path: 'settings/apikeys', lazy: () => import('./apikeys') },
    { path: 'settings/limits', lazy: () => import('./limits') },
    { path: 'settings/quiet', lazy: () => import('./quiet') },
    { path: 'settings/audit', lazy: () => import('./audit') },
  ],
};
