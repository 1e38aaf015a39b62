import { Navigate, useLocation } from 'react-router';

/** The list's own address is /members/find, so that its entry of the menu is not lit on
 * every page below /members. */
export function Component() {
  const at = useLocation();
  return <Navigate to={{ pathname: '/members/find', search: at.search }} replace />;
}
