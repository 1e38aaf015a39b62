import { UserOutlined } from '@ant-design/icons';
import type { Area } from '@/app/area';

export const area: Area = {
  key: 'members',
  icon: <UserOutlined />,
  menu: [],
  routes: [],
};
