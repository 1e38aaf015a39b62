import { TagsOutlined } from '@ant-design/icons';
import type { Area } from '@/app/area';

export const area: Area = {
  key: 'audience',
  icon: <TagsOutlined />,
  menu: [
    { path: '/audience/segments', title: 'menu.segments', permission: 'segment:read' },
    { path: '/audience/tags', title: 'menu.tags', permission: 'tag:read' },
  ],
  routes: [
    { path: 'audience/tags', lazy: () => import('./tags/list') },
    { path: 'audience/tags/new', lazy: () => import('./tags/new') },
    { path: 'audience/tags/templates', lazy: () => import('./tags/templates') },
    { path: 'audience/tags/:id', lazy: () => import('./tags/detail') },
    { path: 'audience/tags/:id/definition', lazy: () => import('./tags/rule') },
    { path: 'audience/segments', lazy: () => import('./segments') },
    { path: 'audience/segments/new', lazy: () => import('./edit') },
    { path: 'audience/segments/:id', lazy: () => import('./segment') },
    { path: 'audience/segments/:id/edit', lazy: () => import('./edit') },
    { path: 'audience/lists/:id', lazy: () => import('./list') },
  ],
};
