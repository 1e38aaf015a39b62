import { QrcodeOutlined } from '@ant-design/icons';
import type { Area } from '@/app/area';

export const area: Area = {
  key: 'goods',
  icon: <QrcodeOutlined />,
  menu: [
    { path: '/goods/products', title: 'menu.products', permission: 'product:read' },
    { path: '/goods/batches', title: 'menu.batches', permission: 'code:read' },
    { path: '/goods/exports', title: 'menu.exports', permission: 'export:read' },
    { path: '/goods/codes', title: 'menu.codes', permission: 'code:read' },
    { path: '/goods/map', title: 'menu.map', permission: 'scan:read' },
    { path: '/goods/flagged', title: 'menu.flagged', permission: 'scan:read' },
    { path: '/goods/diversions', title: 'menu.diversions', permission: 'scan:read' },
    { path: '/goods/reports', title: 'menu.reports', permission: 'scan:read' },
    { path: '/goods/keys', title: 'menu.keys', permission: 'key:write' },
  ],
  routes: [
    { path: 'goods/products', lazy: () => import('./products') },
    { path: 'goods/products/:id', lazy: () => import('./product') },
    { path: 'goods/batches', lazy: () => import('./batches') },
    { path: 'goods/batches/:id', lazy: () => import('./batch') },
    { path: 'goods/exports', lazy: () => import('./exports') },
    { path: 'goods/exports/:id', lazy: () => import('./export') },
    { path: 'goods/codes', lazy: () => import('./codes') },
    { path: 'goods/lookup', lazy: () => import('./codes') },
    { path: 'goods/map', lazy: () => import('./map') },
    { path: 'goods/flagged', lazy: () => import('./flagged') },
    { path: 'goods/diversions', lazy: () => import('./diversions') },
    { path: 'goods/diversions/:id', lazy: () => import('./diversion') },
    { path: 'goods/reports', lazy: () => import('./reports') },
    { path: 'goods/keys', lazy: () => import('./keys') },
  ],
};
