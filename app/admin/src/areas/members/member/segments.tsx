import { Alert } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useGet } from '@/api';
import { errorText } from '@/api/error';
import { useBrand } from '@/app/brand';
import { Broken, Empty, LinkButton, Section, Time, Waiting } from '@/ui';

/** Segments: which ones somebody is in, since when, and which condition made it so. */
export function Segments({ id }: { id: string }) {
  const { t } = useTranslation('members');
  const { brands } = useBrand();
  const { data, error, refetch } = useGet('/members/{id}/segments', { params: { path: { id } } });
  if (error && !data) return <Broken error={error} again={() => void refetch()} />;
  if (!data) return <Waiting />;
  if (data.length === 0) {
    return (
      <Empty
        title={t('segments.empty')}
        text={t('segments.emptyText')}
        action={<LinkButton to="/audience/segments">{t('segments.all')}</LinkButton>}
      />
    );
  }
  return (
    <Section title={t('tab.segments')}>
      <ul className="cards">
        {data.map((b) => (
          <li key={b.segment_id} className="card">
            <div className="card-title">
              <Link to={`/audience/segments/${b.segment_id}`}>{b.name}</Link>
              {brands.length > 1 ? (
                <span className="muted"> {brands.find((x) => x.id === b.brand_id)?.name ?? ''}</span>
              ) : null}
            </div>
            <div className="muted">
              {t('segments.since')} {b.since_at ? <Time at={b.since_at} /> : t('segments.sinceUnknown')} ·{' '}
              {t('segments.asOf')} <Time at={b.as_of} />
            </div>
            <Why id={id} segment={b.segment_id ?? ''} name={b.name} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

/** Why asks the rule anew, when somebody wants to know. */
function Why({ id, segment, name }: { id: string; segment: string; name: string }) {
  const { t } = useTranslation('members');
  const [open, setOpen] = useState(false);
  const why = useGet('/members/{id}/segment-why', {
    params: { path: { id }, query: { segment_id: segment } },
    enabled: open,
  });
  return (
    <details onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary aria-label={t('segments.whyNamed', { name })}>{t('segments.why')}</summary>
      {why.error ? <Alert type="warning" showIcon title={errorText(why.error)} /> : null}
      {why.data ? (
        <>
          {why.data.in ? null : <p>{t('segments.out')}</p>}
          {why.data.code ? <p>{t(`audience:why.${why.data.code}`, { defaultValue: why.data.text })}</p> : null}
          <ul className="why">
            {why.data.reasons.map((r) => (
              <li key={r.path}>
                <span className={`state state-${r.holds ? 'green' : 'red'}`}>
                  {t(r.holds ? 'segments.holds' : 'segments.not')}
                </span>{' '}
                {r.text}
              </li>
            ))}
          </ul>
        </>
      ) : null}
    </details>
  );
}
