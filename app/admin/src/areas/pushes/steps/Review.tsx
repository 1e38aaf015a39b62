import { Alert, Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { useGet } from '@/api';
import { errorText } from '@/api/error';
import { Funnel } from '@/areas/audience/Funnel';
import { usePeople } from '@/areas/audience/people';
import { formatCount, formatTime, Waiting } from '@/ui';
import { Begin } from '../actions';
import { Content } from '../Content';
import { type Draft, divided, leftAlone, type Push } from '../draft';
import { Estimate } from '../Estimate';
import { approval } from '../needs';
import { Preview } from '../Preview';
import { Quiet } from '../Quiet';
import { Tests } from '../Tests';
import { useAudience } from '../useAudience';
import { lasts } from '../when';

/** The last step: who gets it, how many, how long it takes, who is left out, how it looks. */
export function ReviewStep({ push: p, values, back }: { push: Push; values: Draft; back: () => void }) {
  const { t } = useTranslation('pushes');
  const { t: app } = useTranslation('app');
  const people = usePeople();
  const brand = p.brand_id ?? '';
  const needs = useGet('/pushes/{id}/needs', { params: { path: { id: p.id } } });
  const policy = useGet('/brands/{id}/push-policy', { params: { path: { id: brand } } });
  const holdout = useGet('/holdout', { params: { query: { brand_id: brand } } });
  const audience = useAudience(brand, values, values.uses);
  const broken = needs.error ?? audience.error;
  const n = needs.data;
  const size = audience.size.data;
  const speed = p.per_second || policy.data?.per_second || 0;
  const parts = divided(p, holdout.data?.settings.universal_bp ?? 0);
  const gets = Math.round((size?.reachable ?? 0) * parts.rest);
  const left = leftAlone(n?.people ?? 0, parts);
  const later = p.start_at && Date.parse(p.start_at) > Date.now();
  return (
    <>
      {broken ? (
        <Alert type="error" showIcon role="alert" title={errorText(broken)} style={{ marginBottom: 16 }} />
      ) : null}
      <div className="push-beside">
        <div>
          {n && size && holdout.data ? (
            <ul className="report-text">
              <li>
                {t('review.who', { n: people.of(n.people), reach: people.of(Math.min(n.people, size.reachable)) })}
              </li>
              <li>
                {t(parts.universal > 0 ? 'review.heldBoth' : 'review.held', {
                  n: people.about(left.people),
                  percent: left.percent,
                })}
              </li>
              <li>{later ? t('review.at', { at: formatTime(p.start_at) }) : t('review.now')}</li>
              {speed > 0 && gets > 0 ? (
                <li>{t('review.lasts', { time: lasts(t, gets / speed), speed: formatCount(speed) })}</li>
              ) : null}
              <li>{t('review.giveUp', { n: policy.data?.give_up_hours ?? 0 })}</li>
              {p.product_ids.length > 0 ? <li>{t('review.products', { n: p.product_ids.length })}</li> : null}
              <li>{approval(t, p, n, people)}</li>
            </ul>
          ) : broken ? null : (
            <Waiting />
          )}
          {size?.reachable === 0 ? (
            <Alert
              type="warning"
              showIcon
              title={
                people.under > 0
                  ? t('who.few', { n: people.under })
                  : t(size.matched === 0 ? 'who.nobody' : 'review.nobody')
              }
              style={{ marginBottom: 12 }}
            />
          ) : null}
          <Quiet brand={brand} />
          <h2>{t('review.funnel')}</h2>
          {size ? <Funnel data={size} stale={audience.size.isFetching} /> : broken ? null : <Waiting />}
        </div>
        <div className="push-live">
          <h2>{t('preview.title')}</h2>
          <Preview id={p.id} version={p.version} />
        </div>
      </div>
      <Estimate id={p.id} />
      <Content p={p} />
      <Tests p={p} />
      <div className="page-actions" style={{ marginTop: 16 }}>
        <Button onClick={back}>{app('form.back')}</Button>
        {needs.error ? null : <Begin p={p} />}
      </div>
    </>
  );
}
