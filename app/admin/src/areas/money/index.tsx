import { AccountBookOutlined } from '@ant-design/icons';
import type { Area } from '@/app/area';

export const area: Area = {
  key: 'money',
  icon: <AccountBookOutlined />,
  menu: [],
  routes: [],
};
