import { Alert, Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { type Data, useGet, useWrite } from '@/api';
import { useCan, useMe } from '@/app/session';
import { Broken, Changes, Copy, Danger, Detail, Page, Section, StateTag, Table, Time, Waiting } from '@/ui';
import { Publish } from './actions';
import './campaigns.css';
import { DryRun } from './DryRun';
import { type Campaign, givesText, limitText } from './draft';
import { Findings } from './Findings';
import { Frozen } from './Frozen';
import { Preview } from './Preview';

type Dossier = NonNullable<Data<'get', '/campaigns/{id}/approval'>>;

/** The second person's page: exactly what was frozen, what it changes, and the decision. */
export function Component() {
  const { id = '' } = useParams();
  const { t } = useTranslation('campaigns');
  const params = { path: { id } };
  const campaign = useGet('/campaigns/{id}', { params });
  const dossier = useGet('/campaigns/{id}/approval', { params });
  if (!campaign.data || !dossier.data) {
    const failed = campaign.error ? campaign : dossier;
    return failed.error ? <Broken error={failed.error} again={() => void failed.refetch()} /> : <Waiting />;
  }
  const c = campaign.data;
  const d = dossier.data;
  const asked = Boolean(d.approval.id);
  const name = (who: string | null) => d.people[who ?? ''] ?? '—';
  return (
    <Page
      title={t('approval.title', { name: d.frozen.name })}
      tag={<StateTag state={asked ? d.approval.state : c.stage} labels={labels(t)} />}
      trail={[
        { title: t('menu.list'), to: '/campaigns' },
        { title: c.name, to: `/campaigns/${c.id}` },
      ]}
      actions={<Decide c={c} d={d} />}
    >
      {asked ? null : <Alert type="info" showIcon style={{ marginBottom: 16 }} title={t('approval.none')} />}
      {asked && !d.intact && c.state === 'draft' ? (
        <Alert type="warning" showIcon style={{ marginBottom: 16 }} title={t('approval.edited')} />
      ) : null}
      {asked ? (
        <Section title={t('approval.asked')}>
          <Detail
            items={[
              { label: t('approval.by'), value: name(d.approval.submitted_by) },
              { label: t('approval.at'), value: <Time at={d.approval.created_at} /> },
              { label: t('approval.editor'), value: name(d.approval.edited_by) },
              { label: t('money.spend'), value: givesText(t, d.approval.spend_fen, d.approval.spend_points) },
              { label: t('approval.limit'), value: limitText(t, d.policy) },
              { label: t('review.note'), value: d.approval.note },
              d.approval.decided_at !== null && { label: t('approval.decidedBy'), value: name(d.approval.decided_by) },
              d.approval.decided_at !== null && {
                label: t('approval.decidedAt'),
                value: <Time at={d.approval.decided_at} />,
              },
              d.approval.reason !== '' && { label: t('approval.reason'), value: d.approval.reason },
              {
                label: t('approval.hash'),
                value: <Copy text={d.approval.hash} shown={`${d.approval.hash.slice(0, 12)}…`} mono />,
                wide: true,
              },
            ]}
          />
        </Section>
      ) : null}
      <Section title={t(`approval.base.${d.base || 'none'}`)}>
        {d.base ? (
          <Changes changes={d.changes.map((x) => ({ ...x, field: fieldName(t, x.field) }))} />
        ) : (
          <span className="muted">{t('approval.first')}</span>
        )}
      </Section>
      <Frozen content={d.frozen} brand={c.brand_id ?? ''} account={d.account} />
      {c.state === 'draft' ? <Check id={c.id} /> : null}
      <Section title={t('preview.title')}>
        <Preview id={c.id} version={d.approval.hash} />
      </Section>
      {d.history.length > 1 ? (
        <Section title={t('approval.history')}>
          <Table
            label={t('approval.history')}
            rows={d.history}
            columns={[
              { key: 'at', title: t('approval.at'), render: (a) => <Time at={a.created_at} /> },
              { key: 'state', title: t('list.stage'), render: (a) => <StateTag state={a.state} labels={labels(t)} /> },
              { key: 'by', title: t('approval.by'), render: (a) => name(a.submitted_by) },
              {
                key: 'spend',
                title: t('money.spend'),
                align: 'right',
                render: (a) => givesText(t, a.spend_fen, a.spend_points),
              },
              { key: 'who', title: t('approval.decidedBy'), render: (a) => name(a.decided_by) },
              { key: 'reason', title: t('approval.reason'), render: (a) => a.reason || '—' },
            ]}
          />
        </Section>
      ) : null}
    </Page>
  );
}

type T = (key: string, options?: Record<string, unknown>) => string;

function labels(t: T): Record<string, string> {
  return Object.fromEntries(
    ['submitted', 'approved', 'refused', 'withdrawn', 'stale'].map((s) => [s, t(`approval.state.${s}`)]),
  );
}

/** fieldName turns a field of the comparison into the words of the form. */
function fieldName(t: T, field: string): string {
  const [head, n] = field.split('.');
  return n ? t('prizes.nth', { n }) : t(`changed.${head}`);
}

function Check({ id }: { id: string }) {
  const { t } = useTranslation('campaigns');
  const check = useGet('/campaigns/{id}/check', { params: { path: { id } } });
  return (
    <>
      <Section title={t('review.check')}>
        {check.data ? <Findings list={check.data} /> : <Waiting height={80} />}
      </Section>
      <Section title={t('review.dryRun')}>
        <DryRun id={id} />
      </Section>
    </>
  );
}

function Decide({ c, d }: { c: Campaign; d: Dossier }) {
  const { t } = useTranslation('campaigns');
  const { me } = useMe();
  const can = useCan();
  const options = { invalidate: ['/campaigns', '/campaign-approvals', '/audit'], quiet: true };
  const approve = useWrite('post', '/campaigns/{id}/approve', { ...options, done: t('done.approved') });
  const refuse = useWrite('post', '/campaigns/{id}/refuse', { ...options, done: t('done.refused') });
  const params = { path: { id: c.id } };
  if (c.state === 'draft' && c.approval === 'approved')
    return <Publish c={c} spend={d.spend_fen} points={d.spend_points} needed={d.needed} />;
  if (d.approval.state !== 'submitted') return <Link to={`/campaigns/${c.id}`}>{t('approval.back')}</Link>;
  if (!can('campaign:approve')) return <span className="muted">{t('approval.wait')}</span>;
  if ([d.approval.submitted_by, d.approval.edited_by].includes(me.operator.id)) {
    return <span className="muted">{t('approval.own')}</span>;
  }
  return (
    <>
      <Danger
        trigger={<Button danger>{t('action.refuse')}</Button>}
        title={t('approval.refuseTitle', { name: d.frozen.name })}
        consequence={t('approval.refuseText')}
        confirm={t('action.refuse')}
        reason
        onConfirm={({ reason }) => refuse.mutateAsync({ params, body: { hash: d.approval.hash, reason } })}
      />
      <Danger
        danger={false}
        trigger={<Button type="primary">{t('action.approve')}</Button>}
        title={t('approval.approveTitle', { name: d.frozen.name })}
        consequence={t('approval.approveText', {
          fen: givesText(t, d.approval.spend_fen, d.approval.spend_points),
        })}
        confirm={t('action.approve')}
        onConfirm={() => approve.mutateAsync({ params, body: { hash: d.approval.hash, reason: '' } })}
      />
    </>
  );
}
