import { Alert, Button } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet, useList } from '@/api';
import { Broken, Time } from '@/ui';
import { type Campaign, type Draft, differing } from './draft';

/** Clash is shown when a draft was changed by somebody else since it was opened here. Nothing
 * of either is lost before the operator has chosen. */
export function Clash({
  id,
  mine,
  brand,
  onTheirs,
  onMine,
}: {
  id: string;
  mine: Draft;
  brand: string;
  onTheirs: (theirs: Campaign) => void;
  onMine: (theirs: Campaign) => void;
}) {
  const { t } = useTranslation('campaigns');
  const { data, error, isFetching, refetch } = useGet('/campaigns/{id}', { params: { path: { id } } });
  // What was read when the page opened is what the colleague changed since: it is asked again.
  const [fresh, setFresh] = useState(false);
  useEffect(() => {
    void refetch().finally(() => setFresh(true));
  }, [refetch]);
  const trail = useList('/trails/{object}/{id}', {
    params: { path: { object: 'campaign', id } as never, query: { limit: '10' } as never },
  });
  const lines = (trail.data?.data ?? []) as { actor: string; action: string; created_at: string }[];
  const last = lines.find((a) => a.action === 'campaign.update');
  if (error) return <Broken error={error} again={() => void refetch()} />;
  const fields = fresh && data ? differing(mine, data, brand).map((k) => t(`changed.${k}`)) : [];
  return (
    <Alert
      type="warning"
      showIcon
      role="alert"
      style={{ marginBottom: 16 }}
      title={
        last ? (
          <>
            {t('clash.by', { who: last.actor })} <Time at={last.created_at} />
          </>
        ) : (
          t('clash.title')
        )
      }
      description={
        <>
          <p>{t('clash.text')}</p>
          {fields.length > 0 ? <p>{t('clash.fields', { fields: fields.join(t('clash.comma')) })}</p> : null}
          <div className="page-actions">
            <Button loading={!fresh || isFetching} onClick={() => data && onTheirs(data)}>
              {t('clash.theirs')}
            </Button>
            <Button danger loading={!fresh || isFetching} onClick={() => data && onMine(data)}>
              {t('clash.mine')}
            </Button>
          </div>
        </>
      }
    />
  );
}
