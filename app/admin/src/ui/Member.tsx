import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useCan } from '@/app/session';
import i18n from '@/i18n';
import { tail } from './tail';

/** memberName is how a member without a name is written everywhere: by the end of his number. */
export const memberName = (id: string | null | undefined): string =>
  i18n.t('memberName', { ns: 'app', tail: tail(id) });

/** Member is a member, with the way to his page for those who may see it; a dash where it is nobody. */
export function Member({ id }: { id: string | null | undefined }) {
  useTranslation('app'); // another language: the name is written again
  const may = useCan()('member:read');
  if (!id || id === '0') return <span className="muted">—</span>;
  return may ? <Link to={`/members/${id}`}>{memberName(id)}</Link> : <span>{memberName(id)}</span>;
}
