import { Alert, Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { useGet, useWrite } from '@/api';
import { useCan } from '@/app/session';
import { mark } from '@/i18n/marks';
import { spoken } from '@/i18n/server';
import {
  Broken,
  Can,
  Copy,
  Danger,
  Detail,
  memberName,
  Page,
  Section,
  StateTag,
  Tabs,
  Time,
  Trail,
  useUndo,
  Waiting,
} from '@/ui';
import { Consents } from './member/consents';
import { Identity } from './member/identity';
import { Packets } from './member/packets';
import { Points } from './member/points';
import { Profile } from './member/profile';
import { Purchases } from './member/purchases';
import { Referral } from './member/referral';
import { RevealPhone } from './member/reveal';
import { Segments } from './member/segments';
import { Tags } from './member/tags';
import { Temperature } from './member/temperature';
import { Tier } from './member/tier';
import { Timeline } from './member/timeline';
import { KeyTags, MemberLink } from './parts';

/** Everything that is known of one member, on one page (会员 360). */
export function Component() {
  const { t } = useTranslation('members');
  const { id = '' } = useParams();
  const may = useCan();
  const { data: m, error, refetch } = useGet('/members/{id}', { params: { path: { id } } });
  const profile = useGet('/members/{id}/profile', { params: { path: { id } }, enabled: may('profile:read') });
  const tiers = useGet('/members/{id}/tier', { params: { path: { id } }, enabled: may('tier:read') });
  const consents = useGet('/members/{id}/consents', { params: { path: { id } }, enabled: may('consent:read') });
  const name = memberName(id);
  const trail = [{ title: t('menu.members'), to: '/members/find' }];
  if (error && !m) {
    return (
      <Page title={name} trail={trail}>
        <Broken error={error} again={() => void refetch()} />
      </Page>
    );
  }
  if (!m) return <Waiting />;
  const agreed = (consents.data?.state ?? []).filter((c) => !c.needed);
  const family = (m.family ?? []).filter((f) => f.id !== m.id);
  const tabs = [
    { key: 'story', permission: 'event:read', content: () => <Timeline id={id} /> },
    { key: 'identity', permission: 'identity:read', content: () => <Identity id={id} /> },
    { key: 'points', permission: 'points:read', content: () => <Points id={id} /> },
    { key: 'tier', permission: 'tier:read', content: () => <Tier id={id} /> },
    { key: 'profile', permission: 'profile:read', content: () => <Profile id={id} /> },
    { key: 'tags', permission: 'tag:read', content: () => <Tags id={id} /> },
    { key: 'segments', permission: 'segment:read', content: () => <Segments id={id} /> },
    { key: 'consents', permission: 'consent:read', content: () => <Consents id={id} /> },
    { key: 'purchases', permission: 'event:read', content: () => <Purchases id={id} /> },
    { key: 'packets', permission: 'payout:read', content: () => <Packets id={id} /> },
    { key: 'referral', permission: 'referral:read', content: () => <Referral id={id} /> },
    { key: 'trail', permission: 'audit:read', content: () => <Trail object="member" id={id} /> },
  ];
  return (
    <Page
      title={name}
      tab={name}
      trail={trail}
      watermark
      tag={
        <StateTag
          state={m.state}
          labels={{ active: t('state.active'), blocked: t('state.blocked'), erased: t('state.erased') }}
          tone={m.state === 'blocked' ? 'red' : undefined}
        />
      }
      actions={
        <>
          <Can do="phone:reveal">
            <RevealPhone id={id} />
          </Can>
          <Can do="member:block">
            <Turn id={id} state={m.state} />
          </Can>
        </>
      }
    >
      {m.state === 'blocked' ? (
        <Alert type="warning" showIcon style={{ marginBottom: 16 }} title={t('member.blockedText')} />
      ) : null}
      {m.state === 'erased' ? (
        <Alert type="info" showIcon style={{ marginBottom: 16 }} title={t('member.erasedText')} />
      ) : null}
      <Section>
        <Detail
          items={[
            { label: t('list.number'), value: <Copy text={m.id ?? ''} /> },
            { label: t('list.joined'), value: <Time at={m.created_at} /> },
            profile.data?.origin && { label: t('member.origin'), value: spoken(profile.data.origin.title) },
            may('tier:read') && {
              label: t('list.level'),
              value: (tiers.data ?? [])
                .filter((x) => x.level >= 0)
                .map((x) => x.name)
                .join(mark('、')),
            },
            profile.data && { label: t('member.depth'), value: spoken(profile.data.relation.title) },
            may('profile:read') && {
              label: t('member.stage'),
              value: profile.data?.stage ? (
                spoken(profile.data.stage.title)
              ) : profile.data ? (
                <span className="muted">
                  {t(agreed.some((c) => c.given && c.key === 'profiling') ? 'member.idle' : 'member.noStage')}
                </span>
              ) : null,
            },
            {
              label: t('list.keys'),
              wide: true,
              value: <KeyTags keys={(m.family ?? []).flatMap((f) => f.keys ?? [])} />,
            },
            may('consent:read') && {
              label: t('member.consents'),
              wide: true,
              value: agreed.some((c) => c.given)
                ? agreed
                    .filter((c) => c.given)
                    .map((c) => spoken(c.title))
                    .join(mark('、'))
                : t('member.noConsent'),
            },
            family.length > 0 && {
              label: t('list.family'),
              wide: true,
              value: (
                <span style={{ display: 'inline-flex', gap: 12, flexWrap: 'wrap' }}>
                  {family.map((f) => (
                    <MemberLink key={f.id} id={f.id} />
                  ))}
                </span>
              ),
            },
          ]}
        />
        <Temperature value={m.temperature} />
      </Section>
      <Tabs tabs={tabs.map((x) => ({ ...x, label: t(`tab.${x.key}`) }))} />
    </Page>
  );
}

/** Turn stops a member from earning, or lets him again. */
function Turn({ id, state }: { id: string; state: string }) {
  const { t } = useTranslation('members');
  const block = useWrite('post', '/members/{id}/block', { invalidate: ['/members'], quiet: true });
  const unblock = useWrite('post', '/members/{id}/unblock', { invalidate: ['/members'], quiet: true });
  const undo = useUndo();
  if (state === 'erased') return null;
  const stop = state === 'active';
  return (
    <Danger
      trigger={<Button danger={stop}>{stop ? t('member.block') : t('member.unblock')}</Button>}
      title={stop ? t('member.blockTitle') : t('member.unblockTitle')}
      consequence={stop ? t('member.blockText') : t('member.unblockText')}
      danger={stop}
      reason
      onConfirm={async ({ reason }) => {
        const params = { path: { id } };
        await (stop ? block : unblock).mutateAsync({ params, body: { reason } });
        undo(t(stop ? 'member.blocked' : 'member.unblocked'), (send, why) =>
          send('post', stop ? '/members/{id}/unblock' : '/members/{id}/block', { params, body: { reason: why } }, [
            '/members',
          ]),
        );
      }}
    />
  );
}
