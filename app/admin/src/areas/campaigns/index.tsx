import { GiftOutlined } from '@ant-design/icons';
import type { Area } from '@/app/area';

export const area: Area = {
  key: 'campaigns',
  icon: <GiftOutlined />,
  menu: [
    { path: '/campaigns', title: 'menu.list', permission: 'campaign:read' },
    { path: '/campaigns/approvals', title: 'menu.approvals', permission: 'campaign:approve' },
  ],
  routes: [
    { path: 'campaigns', lazy: () => import('./list') },
    { path: 'campaigns/new', lazy: () => import('./wizard') },
    { path: 'campaigns/approvals', lazy: () => import('./approvals') },
    { path: 'campaigns/:id', lazy: () => import('./detail') },
    { path: 'campaigns/:id/edit', lazy: () => import('./wizard') },
    { path: 'campaigns/:id/approval', lazy: () => import('./approval') },
    { path: 'campaigns/:id/fairness', lazy: () => import('./fairness') },
  ],
};
