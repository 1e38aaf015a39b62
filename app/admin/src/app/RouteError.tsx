import { isRouteErrorResponse, useRouteError } from 'react-router';
import { Broken } from '@/ui/Broken';
import { NotFound } from './NotFound';

/** What is shown in place of a page that broke; the menu around it stays. */
export function RouteError() {
  const error = useRouteError();
  if (isRouteErrorResponse(error) && error.status === 404) return <NotFound />;
  return <Broken error={error} again={() => window.location.reload()} />;
}
