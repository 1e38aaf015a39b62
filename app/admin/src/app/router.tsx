import { createBrowserRouter } from 'react-router';
import { areas } from './areas';
import { NotFound } from './NotFound';
import { RouteError } from './RouteError';
import { Shell } from './Shell';

export const router = createBrowserRouter(
  [
    { path: '/login', lazy: () => import('./Login'), ErrorBoundary: RouteError, HydrateFallback: Nothing },
    {
      path: '/',
      Component: Shell,
      ErrorBoundary: RouteError,
      HydrateFallback: Nothing,
      children: [
        {
          ErrorBoundary: RouteError,
          children: [
            ...areas.flatMap((a) => [...a.routes]),
            { path: 'account', lazy: () => import('./Account') },
            { path: '*', Component: NotFound },
          ],
        },
      ],
    },
  ],
  { basename: '/admin' },
);

function Nothing() {
  return null;
}
