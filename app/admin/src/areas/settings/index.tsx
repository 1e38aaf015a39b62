import { SettingOutlined } from '@ant-design/icons';
import type { Area } from '@/app/area';

export const area: Area = {
  key: 'settings',
  icon: <SettingOutlined />,
  menu: [],
  routes: [],
};
