import { ApartmentOutlined } from '@ant-design/icons';
import type { Area } from '@/app/area';

export const area: Area = {
  key: 'leaders',
  icon: <ApartmentOutlined />,
  menu: [],
  routes: [],
};
