import { ApartmentOutlined } from '@ant-design/icons';
import type { Area } from '@/app/area';

export const area: Area = {
  key: 'leaders',
  icon: <ApartmentOutlined />,
  menu: [
    { path: '/leaders/applications', title: 'menu.applications', permission: 'leader:read' },
    { path: '/leaders/people', title: 'menu.people', permission: 'leader:read' },
    { path: '/leaders/withdrawals', title: 'menu.withdrawals', permission: 'withdrawal:read' },
    { path: '/leaders/fraud', title: 'menu.fraud', permission: 'fraud:read' },
    { path: '/leaders/commission', title: 'menu.commission', permission: 'commission:read' },
    { path: '/leaders/rules', title: 'menu.rules', permission: 'commission:read' },
    { path: '/leaders/tree', title: 'menu.tree', permission: 'referral:read' },
    { path: '/leaders/groups', title: 'menu.groups', permission: 'group:read' },
    { path: '/leaders/live-codes', title: 'menu.live', permission: 'group:read' },
  ],
  routes: [
    { path: 'leaders/applications', lazy: () => import('./applications') },
    { path: 'leaders/people', lazy: () => import('./people') },
    { path: 'leaders/people/:id', lazy: () => import('./leader') },
    { path: 'leaders/withdrawals', lazy: () => import('./withdrawals') },
    { path: 'leaders/withdrawals/:id', lazy: () => import('./withdrawal') },
    { path: 'leaders/fraud', lazy: () => import('./fraud') },
    { path: 'leaders/fraud/:id', lazy: () => import('./fraudCase') },
    { path: 'leaders/commission', lazy: () => import('./commission') },
    { path: 'leaders/commission/accruals/:id', lazy: () => import('./accrual') },
    { path: 'leaders/commission/statements/:id', lazy: () => import('./statement') },
    { path: 'leaders/rules', lazy: () => import('./rules') },
    { path: 'leaders/rules/:id', lazy: () => import('./rule') },
    { path: 'leaders/tree', lazy: () => import('./tree') },
    { path: 'leaders/groups', lazy: () => import('./groups') },
    { path: 'leaders/groups/:id', lazy: () => import('./group') },
    { path: 'leaders/live-codes', lazy: () => import('./liveCodes') },
    { path: 'leaders/live-codes/:id', lazy: () => import('./liveCode') },
  ],
};
