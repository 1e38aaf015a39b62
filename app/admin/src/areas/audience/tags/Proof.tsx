import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Data } from '@/api';
import { useCan } from '@/app/session';
import { sentence, spoken } from '@/i18n/server';

type Held = Data<'get', '/members/{id}/tags'>[number];
type Reason = Data<'get', '/members/{id}/segment-why'>['reasons'][number];

/** Proof is what made somebody have a tag: what he did, with the way to it, or what was said
 * of him. */
export function Proof({ held: h, member }: { held: Pick<Held, 'said' | 'why' | 'evidence'>; member: string }) {
  const { t } = useTranslation('audience');
  const may = useCan()('event:read');
  if (!h.said) return <>{spoken(h.why || h.evidence) || '—'}</>;
  const { province, ...args } = h.said.args;
  return (
    <>
      {sentence({ ...h.said, args: province ? { ...args, province: spoken(province) } : args })}
      {may ? (
        <>
          {' '}
          <Link to={`/members/${member}?tab=story`}>{t('tag.toStory')}</Link>
        </>
      ) : null}
    </>
  );
}

/** Conditions are those of a rule, with what is known of somebody beside each. */
export function Conditions({ reasons }: { reasons: readonly Reason[] }) {
  const { t } = useTranslation('audience');
  return (
    <ul className="why">
      {reasons.map((r) => (
        <li key={r.path}>
          <span className={`state state-${r.holds ? 'green' : 'red'}`}>{t(r.holds ? 'why.holds' : 'why.not')}</span>{' '}
          {r.text}
          {r.found ? <div className="muted">{t('tag.found', { text: r.found })}</div> : null}
        </li>
      ))}
    </ul>
  );
}
