import { Alert } from 'antd';
import { useTranslation } from 'react-i18next';
import { type Row, useList } from '@/api';
import { useCan } from '@/app/session';
import { actionText, Changes, Copy, DataTable, type Filter, Page, StateTag, Time } from '@/ui';

type Line = Row<'/audit'>;

/** ended: a fault ended it. */
const ended = (l: Line) => l.outcome !== 'done' && l.outcome !== 'begun';

// What may be asked for; the words are in the texts.
const objects = [
  'account',
  'apikey',
  'batch',
  'brand',
  'campaign',
  'commission_rule',
  'export',
  'extract',
  'fraud_case',
  'group',
  'holdout',
  'import',
  'keyword',
  'leader',
  'member',
  'merge',
  'operator',
  'payout',
  'points',
  'points_rule',
  'poster',
  'product',
  'push',
  'referral',
  'rights',
  'segment',
  'tag',
  'withdrawal',
  'withdrawal_policy',
];

/** Who did what, when, from where (操作记录). */
export function Component() {
  const { t } = useTranslation('settings');
  const { t: app } = useTranslation('app');
  const can = useCan();
  const { data: people } = useList('/operators', {
    params: { query: { limit: '100' } },
    enabled: can('operator:read'),
  });
  const filters: Filter[] = [
    {
      name: 'actor_id',
      label: t('audit.actor'),
      kind: 'select',
      options: (people?.data ?? []).map((p) => ({ value: p.id, label: `${p.name} (${p.login})` })),
      width: 160,
    },
    {
      name: 'object',
      label: t('audit.object'),
      kind: 'select',
      options: objects.map((o) => ({ value: o, label: t(`audit.objects.${o}`) })),
      width: 140,
    },
    { name: 'object_id', label: t('audit.objectId'), kind: 'id' },
    { name: 'action', label: t('audit.action'), kind: 'text', placeholder: t('audit.actionPlace') },
    { name: 'at', label: t('audit.time'), kind: 'range' },
  ];
  return (
    <Page title={t('audit.title')} about={t('audit.about')} watermark>
      <Alert
        type="info"
        style={{ marginBottom: 16 }}
        title={
          <span>
            {t('audit.verify')} <Copy text="siyu audit verify" />
          </span>
        }
      />
      <DataTable
        id="audit"
        path="/audit"
        filters={filters}
        columns={[
          { key: 'at', title: t('audit.time'), render: (l: Line) => <Time at={l.created_at} seconds /> },
          { key: 'actor', title: t('audit.actor'), render: (l) => l.actor },
          { key: 'action', title: t('audit.action'), render: (l) => actionText(l.action) },
          {
            key: 'object',
            title: t('audit.object'),
            render: (l) => (
              <>
                {t(`audit.objects.${l.object}`, { defaultValue: l.object })}{' '}
                {l.object_id && l.object_id !== '0' ? <Copy text={l.object_id} /> : null}
              </>
            ),
          },
          { key: 'ip', title: t('audit.ip'), render: (l) => l.ip },
          {
            key: 'outcome',
            title: t('audit.outcome'),
            render: (l) => (
              <StateTag
                state={l.outcome}
                // Anything else is the code of the fault that ended it: no word for people.
                labels={{ begun: t('audit.begun'), ...(ended(l) ? { [l.outcome]: app('states.failed') } : {}) }}
                tone={l.outcome === 'done' ? 'green' : l.outcome === 'begun' ? 'orange' : 'red'}
              />
            ),
          },
          { key: 'reason', title: t('audit.reason'), render: (l) => l.reason || '—' },
          { key: 'request', title: t('audit.request'), render: (l) => <Copy text={l.request_id} />, hidden: true },
        ]}
        expand={(l) => (
          <>
            {ended(l) ? (
              <div className="muted">
                {t('audit.code')} <Copy text={l.outcome} />
              </div>
            ) : null}
            <Changes changes={l.changes} />
          </>
        )}
        exportAs="audit"
        empty={{ title: t('audit.empty'), text: t('audit.about') }}
      />
    </Page>
  );
}
