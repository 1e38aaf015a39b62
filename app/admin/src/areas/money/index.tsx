import { AccountBookOutlined } from '@ant-design/icons';
import type { Area } from '@/app/area';

export const area: Area = {
  key: 'money',
  icon: <AccountBookOutlined />,
  menu: [
    { path: '/money/payouts', title: 'menu.payouts', permission: 'payout:read' },
    { path: '/money/review', title: 'menu.review', permission: 'payout:write' },
    { path: '/money/reconcile', title: 'menu.reconcile', permission: 'recon:read' },
    { path: '/money/balances', title: 'menu.balances', permission: 'recon:read' },
    { path: '/money/ledger', title: 'menu.ledger', permission: 'ledger:read' },
    { path: '/money/month', title: 'menu.month', permission: 'payout:read' },
    { path: '/money/claims', title: 'menu.claims', permission: 'claim:read' },
  ],
  routes: [
    { path: 'money/payouts', lazy: () => import('./payouts') },
    { path: 'money/payouts/:id', lazy: () => import('./payout') },
    { path: 'money/review', lazy: () => import('./review') },
    { path: 'money/reconcile', lazy: () => import('./reconcile') },
    { path: 'money/reconcile/:id', lazy: () => import('./day') },
    { path: 'money/balances', lazy: () => import('./balances') },
    { path: 'money/ledger', lazy: () => import('./ledger') },
    { path: 'money/month', lazy: () => import('./month') },
    { path: 'money/claims', lazy: () => import('./claims') },
  ],
};
