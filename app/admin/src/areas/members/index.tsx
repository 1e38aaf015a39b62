import { UserOutlined } from '@ant-design/icons';
import type { Area } from '@/app/area';

export const area: Area = {
  key: 'members',
  icon: <UserOutlined />,
  menu: [
    { path: '/members/find', title: 'menu.members', permission: 'member:read' },
    { path: '/members/merging', title: 'menu.merging', permission: 'identity:read' },
    { path: '/members/adjustments', title: 'menu.adjustments', permission: 'points:read' },
    { path: '/members/rules', title: 'menu.rules', permission: ['points:read', 'tier:read'] },
    { path: '/members/rights', title: 'menu.rights', permission: 'rights:read' },
    { path: '/members/imports', title: 'menu.imports', permission: 'import:read' },
    { path: '/members/fields', title: 'menu.fields', permission: 'profile:read' },
    { path: '/members/map', title: 'menu.map', permission: 'datamap:read', house: true },
    { path: '/members/letters', title: 'menu.letters', permission: 'event:read' },
  ],
  routes: [
    { path: 'members', lazy: () => import('./moved') },
    { path: 'members/find', lazy: () => import('./list') },
    { path: 'members/merging', lazy: () => import('./merging') },
    { path: 'members/adjustments', lazy: () => import('./adjustments') },
    { path: 'members/rules', lazy: () => import('./rules') },
    { path: 'members/rights', lazy: () => import('./rights') },
    { path: 'members/rights/:id', lazy: () => import('./right') },
    { path: 'members/imports', lazy: () => import('./imports') },
    { path: 'members/imports/:id', lazy: () => import('./importing') },
    { path: 'members/fields', lazy: () => import('./fields') },
    { path: 'members/map', lazy: () => import('./map') },
    { path: 'members/letters', lazy: () => import('./letters') },
    { path: 'members/:id', lazy: () => import('./member') },
  ],
};
