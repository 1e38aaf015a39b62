import { QrcodeOutlined } from '@ant-design/icons';
import type { Area } from '@/app/area';

export const area: Area = {
  key: 'goods',
  icon: <QrcodeOutlined />,
  menu: [],
  routes: [],
};
