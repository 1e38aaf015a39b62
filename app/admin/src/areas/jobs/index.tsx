import { CloudServerOutlined } from '@ant-design/icons';
import type { Area } from '@/app/area';

export const area: Area = {
  key: 'jobs',
  icon: <CloudServerOutlined />,
  menu: [],
  routes: [],
};
