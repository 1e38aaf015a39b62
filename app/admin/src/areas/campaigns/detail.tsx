import { Alert, Steps } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { useGet } from '@/api';
import { useCan } from '@/app/session';
import { Broken, formatTime, Page, Section, StateTag, Trail, Waiting } from '@/ui';
import { Actions } from './actions';
import './campaigns.css';
import type { Campaign } from './draft';
import { Frozen } from './Frozen';
import { Live } from './Live';
import { Preview } from './Preview';

export function Component() {
  const { id = '' } = useParams();
  const { t } = useTranslation('campaigns');
  const can = useCan();
  const { data: c, error, refetch } = useGet('/campaigns/{id}', { params: { path: { id } } });
  const account = useGet('/accounts/{id}', {
    params: { path: { id: c?.account_id ?? '' } },
    enabled: Boolean(c?.account_id) && can('account:read'),
  });
  if (error && !c) return <Broken error={error} again={() => void refetch()} />;
  if (!c) return <Waiting />;
  const draft = c.state === 'draft';
  return (
    <Page
      title={c.name}
      tag={<StateTag state={c.stage} />}
      trail={[{ title: t('menu.list'), to: '/campaigns' }]}
      actions={<Actions c={c} />}
    >
      <Progress c={c} />
      {draft && c.approval === 'refused' ? (
        <Alert
          type="warning"
          showIcon
          style={{ marginBottom: 16 }}
          title={t('detail.refused')}
          action={<Link to={`/campaigns/${c.id}/approval`}>{t('detail.seeReason')}</Link>}
        />
      ) : null}
      {draft ? null : <Live c={c} />}
      <Frozen
        content={c}
        brand={c.brand_id ?? ''}
        account={account.data ? `${account.data.name} · ${account.data.app_id}` : undefined}
        level={c.level_name}
      />
      <Section title={t('preview.title')}>
        <Preview id={c.id} version={c.version} />
      </Section>
      <Trail object="campaign" id={c.id} />
    </Page>
  );
}

/** Progress is the way of a campaign from draft to archive, with the moments. */
function Progress({ c }: { c: Campaign }) {
  const { t } = useTranslation('campaigns');
  const { t: app } = useTranslation('app');
  const ended = c.stage === 'ended' || c.state === 'ended';
  const at =
    c.stage === 'archived' && c.state === 'draft'
      ? 0
      : ended
        ? 3
        : c.state === 'draft'
          ? c.stage === 'pending'
            ? 1
            : 0
          : c.stage === 'scheduled'
            ? 1
            : 2;
  const second =
    c.state === 'draft'
      ? c.approval
        ? t(`approval.state.${c.approval}`)
        : ''
      : c.published_at
        ? t('detail.published', { at: formatTime(c.published_at) })
        : '';
  return (
    <Section>
      <Steps
        size="small"
        responsive
        current={at}
        items={[
          { title: app('states.draft'), content: formatTime(c.created_at) },
          { title: c.state === 'draft' ? t('detail.approve') : app('states.scheduled'), content: second },
          {
            title: c.stage === 'paused' ? app('states.paused') : app('states.running'),
            content: c.from_at ? t('detail.from', { at: formatTime(c.from_at) }) : '',
            status: c.stage === 'paused' ? 'error' : undefined,
          },
          {
            title: c.stage === 'archived' ? app('states.archived') : app('states.ended'),
            content: c.ended_at
              ? formatTime(c.ended_at)
              : c.until_at
                ? t('detail.until', { at: formatTime(c.until_at) })
                : '',
          },
        ]}
      />
    </Section>
  );
}
