import { SendOutlined } from '@ant-design/icons';
import type { Area } from '@/app/area';

export const area: Area = {
  key: 'pushes',
  icon: <SendOutlined />,
  menu: [
    { path: '/pushes', title: 'menu.pushes', permission: 'push:read' },
    { path: '/pushes/reach', title: 'menu.reach', permission: 'reach:read' },
    { path: '/pushes/holdout', title: 'menu.holdout', permission: 'push:read' },
    { path: '/pushes/settings', title: 'menu.settings', permission: 'push:read' },
  ],
  routes: [
    { path: 'pushes', lazy: () => import('./list') },
    { path: 'pushes/new', lazy: () => import('./wizard') },
    { path: 'pushes/reach', lazy: () => import('./reach') },
    { path: 'pushes/holdout', lazy: () => import('./holdout') },
    { path: 'pushes/settings', lazy: () => import('./settings') },
    { path: 'pushes/:id', lazy: () => import('./detail') },
    { path: 'pushes/:id/edit', lazy: () => import('./wizard') },
  ],
};
