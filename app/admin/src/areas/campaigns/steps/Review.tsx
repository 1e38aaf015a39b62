import { Alert } from 'antd';
import { useTranslation } from 'react-i18next';
import { useGet } from '@/api';
import { Broken, formatCount, formatFen, formatTime, Waiting } from '@/ui';
import { Publish } from '../actions';
import { DryRun } from '../DryRun';
import { type Campaign, limitText } from '../draft';
import { Findings } from '../Findings';
import { Summary } from '../Summary';
import type { StepKey } from '../wizard';

/** The last step: what was checked, what it will cost, what happens when, who approves. */
export function ReviewStep({ campaign: c, go }: { campaign: Campaign; go: (step: StepKey) => void }) {
  const { t } = useTranslation('campaigns');
  const params = { path: { id: c.id } };
  const check = useGet('/campaigns/{id}/check', { params });
  const preview = useGet('/campaigns/{id}/preview', { params });
  const dossier = useGet('/campaigns/{id}/approval', { params });
  if (!check.data || !preview.data || !dossier.data) {
    const failed = [check, preview, dossier].find((x) => x.error);
    return failed ? <Broken error={failed.error} again={() => void failed.refetch()} /> : <Waiting />;
  }
  const blocked = check.data.some((f) => f.level === 'block');
  const { spend_fen: spend, points } = preview.data;
  const { needed, policy } = dossier.data;
  const later = c.from_at && Date.parse(c.from_at) > Date.now();
  return (
    <>
      <h2 className="campaign-sub">{t('review.check')}</h2>
      <Findings list={check.data} go={go} />
      <h2 className="campaign-sub" style={{ marginTop: 24 }}>
        {t('review.content')}
      </h2>
      <Summary campaign={c} codes={preview.data.codes} spend={spend} go={go} />
      <h2 className="campaign-sub" style={{ marginTop: 24 }}>
        {t('review.dryRun')}
      </h2>
      <p className="muted">{t('review.dryRunAbout')}</p>
      <DryRun id={c.id} />
      <h2 className="campaign-sub" style={{ marginTop: 24 }}>
        {t('review.what')}
      </h2>
      <ul>
        <li>{t('review.reserve', { fen: formatFen(spend) })}</li>
        {points ? <li>{t('review.points', { n: formatCount(points) })}</li> : null}
        <li>
          {later
            ? t('review.starts', {
                at: formatTime(c.from_at),
                days: Math.ceil((Date.parse(c.from_at ?? '') - Date.now()) / 86_400_000),
              })
            : t('review.startsNow')}
        </li>
        <li>{t('review.ends', { at: formatTime(c.until_at) })}</li>
        <li>{t('review.sealed', { codes: formatCount(preview.data.codes) })}</li>
        <li>
          {needed
            ? t(policy.approval_fen === 0 ? 'review.mustAlways' : 'review.must', {
                limit: limitText(t, policy),
              })
            : t('review.mustNot', { limit: limitText(t, policy) })}
        </li>
      </ul>
      {blocked ? (
        <Alert type="error" showIcon role="alert" title={t('review.blocked')} />
      ) : (
        <div className="page-actions">
          <Publish c={c} spend={spend} points={points} needed={needed} />
        </div>
      )}
    </>
  );
}
