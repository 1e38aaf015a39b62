import { GiftOutlined } from '@ant-design/icons';
import type { Area } from '@/app/area';

export const area: Area = {
  key: 'campaigns',
  icon: <GiftOutlined />,
  menu: [],
  routes: [],
};
