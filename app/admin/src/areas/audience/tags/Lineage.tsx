import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useGet } from '@/api';
import { Section, StateTag } from '@/ui';
import { type TagDetail, useFieldTitle } from './words';

/** Lineage is what a tag is made of, and what breaks when it changes. */
export function Lineage({ tag: g }: { tag: TagDetail }) {
  const { id, name } = g;
  const { t } = useTranslation('audience');
  const found = useGet('/tags/{id}/lineage', { params: { path: { id } } });
  const counts = (g.versions.find((v) => v.version === g.version) ?? g.versions[0])?.definition;
  const field = useFieldTitle(g.brand_id ?? '', counts);
  if (!found.data) return null;
  const { from, to } = found.data;
  const live = to.filter((u) => u.live).length;
  return (
    <Section title={t('tag.lineage')}>
      <p>{t(live > 0 ? 'tag.breaks' : to.length > 0 ? 'tag.breaksDraft' : 'tag.breaksNothing', { n: live })}</p>
      <div className="tag-lineage">
        <div>
          <h3>{t('tag.madeOf')}</h3>
          {from.length === 0 ? <p className="muted">{t('tag.madeOfNothing')}</p> : null}
          <ul>
            {from.map((s) => (
              <li key={`${s.kind}/${s.key}`}>
                <span className="muted">{t(`tag.from.${s.kind}`)}</span>{' '}
                {s.kind === 'tag' ? (
                  <Link to={`/audience/tags/${s.key}`}>{s.title || s.key}</Link>
                ) : s.kind === 'event' ? (
                  t(`rule.acts.${s.key}`, { defaultValue: t(`tag.events.${s.key}`, { defaultValue: s.title }) })
                ) : s.kind === 'attr' ? (
                  t(`rule.attr.${s.key}`, { defaultValue: s.title })
                ) : s.kind === 'profile' ? (
                  field
                ) : s.kind === 'hand' || s.kind === 'model' ? null : (
                  s.title || s.key
                )}
              </li>
            ))}
          </ul>
        </div>
        <div className="tag-lineage-self">
          <strong>{name}</strong>
        </div>
        <div>
          <h3>{t('tag.usedBy')}</h3>
          {to.length === 0 ? <p className="muted">{t('tag.usedByNothing')}</p> : null}
          <ul>
            {to.map((u) => (
              <li key={`${u.kind}/${u.id}`}>
                <span className="muted">{t(`tag.to.${u.kind}`)}</span>{' '}
                {u.hidden ? t('tag.hidden') : <Link to={pageOf(u)}>{u.name}</Link>}{' '}
                {u.via ? <span className="muted">{t('tag.via', { name: u.via })}</span> : null}{' '}
                <StateTag
                  state={u.state}
                  labels={{
                    ...(u.kind === 'segment' ? { active: t('segmentState.active') } : {}),
                    requested: t('tag.state.requested'),
                    built: t('tag.state.built'),
                    retired: t('tag.state.retired'),
                  }}
                />
              </li>
            ))}
          </ul>
        </div>
      </div>
    </Section>
  );
}

function pageOf({ kind, id }: { kind: string; id: string }): string {
  if (kind === 'segment') return `/audience/segments/${id}`;
  return kind === 'push' ? `/pushes/${id}` : `/audience/tags/${id}`;
}
