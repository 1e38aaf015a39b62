import { CloudServerOutlined } from '@ant-design/icons';
import { lazy } from 'react';
import type { Area } from '@/app/area';
import { slots } from '@/app/slots';
import Search from './palette/Search';

slots.Search = Search; // at once: Ctrl+K is there as soon as the page is
slots.Bell = lazy(() => import('./Bell'));
slots.ExportButton = lazy(() => import('./ExportButton'));

export const area: Area = {
  key: 'jobs',
  icon: <CloudServerOutlined />,
  menu: [
    { path: '/jobs', title: 'menu.jobs', house: true },
    { path: '/jobs/house', title: 'menu.house', permission: 'job:all', house: true },
    { path: '/jobs/tasks', title: 'menu.tasks', permission: 'task:retry', house: true },
  ],
  routes: [
    { path: 'jobs', lazy: () => import('./Jobs') },
    { path: 'jobs/house', lazy: () => import('./House') },
    { path: 'jobs/tasks', lazy: () => import('./Tasks') },
    { path: 'jobs/:source/:id', lazy: () => import('./Job') },
  ],
};
