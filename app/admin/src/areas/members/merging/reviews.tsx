import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { type Row, useWrite } from '@/api';
import { spoken } from '@/i18n/server';
import { Can, Danger, DataTable, StateTag, Time } from '@/ui';
import { KeyTags, MemberLink } from '../parts';

type Review = Row<'/identity/reviews'>;

export function Reviews() {
  const { t } = useTranslation('members');
  const merge = useWrite('post', '/identity/reviews/{id}/merge', {
    invalidate: ['/identity', '/members'],
    done: t('merging.joined'),
    quiet: true,
  });
  const refuse = useWrite('post', '/identity/reviews/{id}/refuse', {
    invalidate: ['/identity', '/members'],
    done: t('merging.kept'),
    quiet: true,
  });
  const labels = { open: t('merging.open'), merged: t('merging.merged'), refused: t('merging.refused') };
  return (
    <DataTable
      id="reviews"
      path="/identity/reviews"
      params={{ query: { total: '1' } as object }}
      filters={[
        {
          name: 'state',
          label: t('list.state'),
          kind: 'select',
          options: Object.entries(labels).map(([value, label]) => ({ value, label })),
        },
      ]}
      columns={[
        { key: 'low', title: t('merging.one'), render: (r: Review) => <MemberLink id={r.low.id} /> },
        { key: 'high', title: t('merging.other'), render: (r: Review) => <MemberLink id={r.high.id} /> },
        { key: 'rule', title: t('merging.rule'), render: (r: Review) => r.rule_text },
        {
          key: 'confidence',
          title: t('merging.confidence'),
          align: 'right',
          render: (r: Review) => `${r.confidence}%`,
        },
        {
          key: 'state',
          title: t('list.state'),
          render: (r: Review) => (
            <StateTag state={r.state} labels={labels} tone={r.state === 'open' ? 'orange' : undefined} />
          ),
        },
        { key: 'at', title: t('merging.found'), render: (r: Review) => <Time at={r.created_at} /> },
      ]}
      expand={(r: Review) => <Sides review={r} />}
      actions={(r: Review) =>
        r.state === 'open' ? (
          <Can do="identity:merge">
            <Danger
              trigger={
                <Button size="small" type="primary">
                  {t('merging.same')}
                </Button>
              }
              title={t('merging.sameTitle')}
              consequence={
                <>
                  <p style={{ marginTop: 0 }}>{t('merging.sameText')}</p>
                  <Sides review={r} />
                </>
              }
              danger={false}
              confirm={t('merging.same')}
              reason
              onConfirm={({ reason }) => merge.mutateAsync({ params: { path: { id: r.id ?? '' } }, body: { reason } })}
            />
            <Danger
              trigger={<Button size="small">{t('merging.different')}</Button>}
              title={t('merging.differentTitle')}
              consequence={
                <>
                  <p style={{ marginTop: 0 }}>{t('merging.differentText')}</p>
                  <Sides review={r} />
                </>
              }
              danger={false}
              confirm={t('merging.different')}
              reason
              onConfirm={({ reason }) => refuse.mutateAsync({ params: { path: { id: r.id ?? '' } }, body: { reason } })}
            />
          </Can>
        ) : null
      }
      empty={{
        title: t('merging.noReviews'),
        text: t('merging.noReviewsText'),
        example: t('merging.noReviewsExample'),
      }}
    />
  );
}

/** Sides are the two people of a case beside each other, with what names both. */
function Sides({ review: r }: { review: Review }) {
  const { t } = useTranslation('members');
  return (
    <div>
      <p className="muted" style={{ margin: '0 0 8px' }}>
        {r.shown ? t('merging.namesBoth', { title: spoken(r.title), shown: spoken(r.shown) }) : spoken(r.rule_text)}
        {r.note ? ` · ${r.note}` : ''}
        {r.reason ? ` · ${t('merging.decidedBecause', { reason: r.reason })}` : ''}
      </p>
      <div style={{ display: 'grid', gridTemplateColumns: 'repeat(auto-fit, minmax(220px, 1fr))', gap: 12 }}>
        {[r.low, r.high].map((side, i) => (
          <div key={side.person_id} className="section" style={{ margin: 0 }}>
            <div style={{ display: 'flex', justifyContent: 'space-between', gap: 8, marginBottom: 8 }}>
              <strong>{t(i === 0 ? 'merging.one' : 'merging.other')}</strong>
              <MemberLink id={side.id} />
            </div>
            <KeyTags keys={side.keys} />
            <div className="muted" style={{ marginTop: 8 }}>
              {side.created_at ? (
                <>
                  {t('list.joined')} <Time at={side.created_at} />
                </>
              ) : (
                t('merging.fileOnly')
              )}
            </div>
          </div>
        ))}
      </div>
    </div>
  );
}
