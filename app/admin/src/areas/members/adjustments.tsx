import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { type Row, useWrite } from '@/api';
import { useMe } from '@/app/session';
import { Can, Danger, DataTable, formatCount, Page, StateTag, Time } from '@/ui';
import { MemberLink } from './parts';

type Adjustment = Row<'/points/adjustments'>;

/** Adjustments above the limit wait here for a second person. */
export function Component() {
  const { t } = useTranslation('members');
  const { me } = useMe();
  const approve = useWrite('post', '/points/adjustments/{id}/approve', {
    invalidate: ['/points', '/members'],
    done: t('adjust.approved'),
    quiet: true,
  });
  const refuse = useWrite('post', '/points/adjustments/{id}/refuse', {
    invalidate: ['/points', '/members'],
    done: t('adjust.refusedDone'),
    quiet: true,
  });
  const labels = { requested: t('adjust.requested'), booked: t('adjust.booked'), refused: t('adjust.refused') };
  const signed = (n: number) => (n > 0 ? `+${formatCount(n)}` : formatCount(n));
  return (
    <Page title={t('menu.adjustments')} about={t('adjust.about')} watermark>
      <DataTable
        id="adjustments"
        path="/points/adjustments"
        exportAs="points_adjustments"
        params={{ query: { total: '1' } as object }}
        filters={[
          {
            name: 'state',
            label: t('list.state'),
            kind: 'select',
            options: Object.entries(labels).map(([value, label]) => ({ value, label })),
          },
          { name: 'member_id', label: t('list.number'), kind: 'id' },
        ]}
        columns={[
          { key: 'member', title: t('list.member'), render: (x: Adjustment) => <MemberLink id={x.member_id} /> },
          {
            key: 'points',
            title: t('points.change'),
            align: 'right',
            render: (x: Adjustment) => <strong className="nums">{signed(x.points)}</strong>,
          },
          { key: 'reason', title: t('points.reason'), render: (x: Adjustment) => x.reason },
          {
            key: 'state',
            title: t('list.state'),
            render: (x: Adjustment) => (
              <StateTag
                state={x.state}
                labels={labels}
                tone={x.state === 'booked' ? 'green' : x.state === 'requested' ? 'orange' : undefined}
              />
            ),
          },
          { key: 'note', title: t('adjust.note'), render: (x: Adjustment) => x.note || '—' },
          { key: 'at', title: t('adjust.asked'), render: (x: Adjustment) => <Time at={x.created_at} /> },
          { key: 'decided', title: t('adjust.decided'), render: (x: Adjustment) => <Time at={x.decided_at} /> },
        ]}
        actions={(x: Adjustment) =>
          x.state !== 'requested' ? null : x.by_id === me.operator.id ? (
            <span className="muted">{t('adjust.own')}</span>
          ) : (
            <Can do="points:approve">
              <Danger
                trigger={
                  <Button size="small" type="primary">
                    {t('adjust.approve')}
                  </Button>
                }
                title={t('adjust.approveTitle', { n: signed(x.points) })}
                consequence={t('adjust.approveText', { reason: x.reason })}
                danger={false}
                confirm={t('adjust.approve')}
                onConfirm={() => approve.mutateAsync({ params: { path: { id: x.id ?? '' } }, body: { reason: '' } })}
              />
              <Danger
                trigger={<Button size="small">{t('adjust.refuse')}</Button>}
                title={t('adjust.refuseTitle', { n: signed(x.points) })}
                danger={false}
                reason
                confirm={t('adjust.refuse')}
                onConfirm={({ reason }) =>
                  refuse.mutateAsync({ params: { path: { id: x.id ?? '' } }, body: { reason } })
                }
              />
            </Can>
          )
        }
        empty={{ title: t('adjust.none'), text: t('adjust.noneText'), example: t('adjust.noneExample') }}
      />
    </Page>
  );
}
