import type { ReactNode } from 'react';
import { useCan } from '@/app/session';

/** Can shows its content to those who hold one of the permissions; to others it is absent,
 * not grey. */
export function Can({ do: wanted, children }: { do: string | readonly string[]; children: ReactNode }) {
  return useCan()(wanted) ? children : null;
}
