import { Button, Collapse } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useList } from '@/api';
import i18n from '@/i18n';
import { type Change, Changes } from './Changes';
import { Section } from './Page';
import { StateTag } from './StateTag';
import { Time } from './Time';
import { Waiting } from './Waiting';

type Line = {
  id: string;
  created_at: string;
  actor: string;
  action: string;
  ip: string;
  reason: string;
  outcome: string;
  changes: Change[] | null;
};

/** Trail lists what was done to one object (操作记录): who, when, from where, before and
 * after. For those who may read the object; the server leaves out where somebody sat unless
 * one may read the audit log. */
export function Trail({ object, id }: { object: string; id: string | undefined }) {
  const { t } = useTranslation('app');
  const [limit, setLimit] = useState(10);
  const { data, error, isPending } = useList('/trails/{object}/{id}', {
    params: { path: { object, id } as never, query: { limit } as never },
    enabled: Boolean(id),
  });
  if (!id || error) return null;
  const lines = (data?.data ?? []) as Line[];
  return (
    <Section title={t('trail.title')}>
      {isPending ? <Waiting height={80} /> : null}
      {!isPending && lines.length === 0 ? <span className="muted">{t('trail.none')}</span> : null}
      <Collapse
        ghost
        size="small"
        items={lines.map((l) => ({
          key: l.id,
          label: (
            <span className="trail-line">
              <Time at={l.created_at} precise={false} />
              <strong>{l.actor}</strong>
              <span>{actionText(l.action)}</span>
              {/* Anything else is the code of the fault that ended it: no word for people. */}
              {l.outcome && l.outcome !== 'done' && l.outcome !== 'ok' ? (
                <StateTag state={l.outcome === 'begun' ? 'begun' : 'failed'} />
              ) : null}
              {l.reason ? <span className="muted">{l.reason}</span> : null}
            </span>
          ),
          children: (
            <>
              <div className="muted">
                {t('trail.ip')} {l.ip || '—'}
              </div>
              <Changes changes={l.changes} />
            </>
          ),
        }))}
      />
      {data?.next && limit < 100 ? (
        <Button type="link" onClick={() => setLimit(limit === 10 ? 50 : 100)}>
          {t('trail.more')}
        </Button>
      ) : null}
    </Section>
  );
}

/** actionText is the act in words where there are words for it. */
export function actionText(action: string): string {
  return i18n.t(`actions.${action.replace('.', '_')}`, { ns: 'app', defaultValue: action });
}
