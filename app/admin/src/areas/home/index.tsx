import { DashboardOutlined } from '@ant-design/icons';
import type { Area } from '@/app/area';

export const area: Area = {
  key: 'home',
  icon: <DashboardOutlined />,
  menu: [],
  routes: [],
};
