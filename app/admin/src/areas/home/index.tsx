import { DashboardOutlined } from '@ant-design/icons';
import type { Area } from '@/app/area';

export const area: Area = {
  key: 'home',
  icon: <DashboardOutlined />,
  menu: [{ path: '/', title: 'menu.today', permission: 'home:read' }],
  routes: [{ index: true, lazy: () => import('./today') }],
};
