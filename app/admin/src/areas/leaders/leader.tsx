import { Button, Form, Select, Timeline } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { useGet, useList } from '@/api';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { mark } from '@/i18n/marks';
import {
  Broken,
  Can,
  Copy,
  Detail,
  formatCount,
  Money,
  Page,
  Section,
  StatCards,
  StateTag,
  Table,
  Time,
  Trail,
  Waiting,
} from '@/ui';
import { Decide } from './applications';
import { groupTone } from './groups';
import { Act, Figures, useWords } from './parts';

export function Component() {
  const { t } = useTranslation('leaders');
  const { id = '' } = useParams();
  const brand = useBrandID();
  const can = useCan();
  const states = useWords('leaderState');
  const roles = useWords('role');
  const { data: l, dataUpdatedAt, error, refetch } = useGet('/leaders/{id}', { params: { path: { id } } });
  const programme = useGet('/brands/{id}/leader-programme', {
    params: { path: { id: l?.brand_id ?? brand } },
    enabled: Boolean(l?.brand_id ?? brand),
  });
  const member = l?.member_id ?? '';
  const money = useGet('/members/{id}/earnings', {
    params: { path: { id: member }, query: { brand_id: l?.brand_id ?? '' } },
    enabled: Boolean(l) && can('withdrawal:read'),
  });
  const groups = useList('/groups', {
    params: { query: { brand_id: l?.brand_id ?? '', leader_id: id, limit: '50' } },
    enabled: Boolean(l) && can('group:read'),
  });
  const groupStates = useWords('groupState');
  if (error && !l) return <Broken error={error} again={() => void refetch()} />;
  if (!l) return <Waiting />;
  const levels = programme.data?.levels ?? [];
  const decide = { id: l.id, name: l.name };
  return (
    <Page
      title={l.name}
      tag={<StateTag state={l.state} labels={states} />}
      trail={[{ title: t('menu.people'), to: '/leaders/people' }]}
      about={roles[l.role]}
      watermark
      actions={
        <Can do="leader:approve">
          {l.state === 'applied' ? <Decide leader={decide} /> : null}
          {l.state === 'active' && l.role === 'leader' ? (
            <Level id={l.id} level={l.level} levels={levels} seen={dataUpdatedAt} />
          ) : null}
          {l.state === 'active' ? <Decision id={l.id} name={l.name} act="suspend" /> : null}
          {l.state === 'suspended' ? <Decision id={l.id} name={l.name} act="resume" /> : null}
          {['approved', 'active', 'suspended'].includes(l.state) ? (
            <Decision id={l.id} name={l.name} act="end" />
          ) : null}
        </Can>
      }
    >
      <StatCards
        items={[
          {
            key: 'direct',
            title: t('leader.direct'),
            value: formatCount(l.people.direct),
            about: t('leader.directAbout'),
            to: can('referral:read') ? `/leaders/tree?member=${member}` : undefined,
          },
          { key: 'team', title: t('leader.team'), value: formatCount(l.people.team), about: t('leader.teamAbout') },
          {
            key: 'active',
            title: t('leader.active30'),
            value: formatCount(l.people.active_30),
            about: t('leader.active30About'),
          },
          {
            key: 'claims',
            title: t('leader.claims'),
            value: formatCount(l.people.team_claims),
            note: t('leader.orders', { n: formatCount(l.people.team_orders) }),
          },
          ...(money.data
            ? [
                {
                  key: 'free',
                  title: t('leader.free'),
                  value: <Money fen={money.data.free_fen} />,
                  about: t('leader.freeAbout'),
                },
                {
                  key: 'accrued',
                  title: t('leader.accrued'),
                  value: <Money fen={money.data.accrued_fen} />,
                  note: (
                    <>
                      {t('leader.paid')} <Money fen={money.data.paid_fen} />
                    </>
                  ),
                },
              ]
            : []),
        ]}
      />
      <Section title={t('leader.profile')}>
        <Detail
          items={[
            {
              label: t('people.member'),
              value: member ? (
                can('member:read') ? (
                  <Link to={`/members/${member}`}>{member}</Link>
                ) : (
                  <Copy text={member} />
                )
              ) : null,
            },
            { label: t('people.phone'), value: l.phone },
            { label: t('people.region'), value: l.region },
            { label: t('applications.community'), value: l.community },
            { label: t('people.shop'), value: l.shop_name },
            { label: t('people.employee'), value: l.employee_no },
            { label: t('people.since'), value: <Time at={l.active_at} /> },
            { label: t('people.created'), value: <Time at={l.created_at} /> },
            { label: t('leader.lastReason'), value: l.reason },
            l.others.length
              ? {
                  label: t('people.others'),
                  value: l.others.map((o) => (
                    <Link key={o.id} to={`/leaders/people/${o.id}`}>
                      {o.name}{' '}
                    </Link>
                  )),
                }
              : null,
          ]}
        />
      </Section>
      {l.role === 'leader' ? (
        <Section
          title={`${t('leader.level')}${mark('：')}${levels[l.level - 1]?.name ?? (l.rights.name || '—')}`}
          extra={
            <span className="muted">
              {t('leader.rights', { n: l.rights.groups, templates: t(l.rights.templates ? 'yes' : 'no') })}
            </span>
          }
        >
          <p className="muted">{t('leader.figuresAbout')}</p>
          <Figures items={l.figures} />
        </Section>
      ) : null}
      {groups.data ? (
        <Section title={t('leader.groups')}>
          <Table
            rows={groups.data.data ?? []}
            to={(g) => `/leaders/groups/${g.id}`}
            columns={[
              { key: 'name', title: t('groups.name'), render: (g) => g.name },
              {
                key: 'state',
                title: t('people.state'),
                render: (g) => <StateTag state={g.state} labels={groupStates} tone={groupTone(g.state)} />,
              },
              { key: 'size', title: t('groups.size'), align: 'right', render: (g) => `${g.size} / ${g.capacity}` },
              { key: 'qr', title: t('groups.qrExpires'), render: (g) => <Time at={g.qr_expires_at} /> },
            ]}
            empty={t('leader.noGroups')}
          />
        </Section>
      ) : null}
      {l.role === 'leader' ? (
        <Section
          title={t('leader.signatures')}
          extra={
            l.signed ? (
              <StateTag state="ok" labels={{ ok: t('leader.signedNewest') }} tone="green" />
            ) : (
              <StateTag state="no" labels={{ no: t('leader.notSigned') }} tone="orange" />
            )
          }
        >
          <Table
            rows={l.signatures}
            rowKey={(s) => String(s.version)}
            columns={[
              { key: 'v', title: t('programme.version'), render: (s) => `v${s.version}` },
              { key: 'at', title: t('leader.signedAt'), render: (s) => <Time at={s.at} /> },
              {
                key: 'sha',
                title: 'SHA-256',
                render: (s) => <Copy text={s.sha256} shown={`${s.sha256.slice(0, 12)}…`} />,
              },
            ]}
            empty={t('leader.noSignatures')}
          />
        </Section>
      ) : null}
      {l.history.length > 0 ? (
        <Section title={t('leader.history')}>
          <Timeline
            items={l.history.map((m) => ({
              key: m.id,
              content: (
                <>
                  <Time at={m.at} />{' '}
                  <strong>
                    {m.from_state !== m.to_state
                      ? `${states[m.from_state] ?? t('leader.first')} → ${states[m.to_state] ?? m.to_state}`
                      : t('leader.levelMove', {
                          from: levels[m.from_level - 1]?.name ?? m.from_level,
                          to: levels[m.to_level - 1]?.name ?? m.to_level,
                        })}
                  </strong>{' '}
                  <span className="muted">{t(`by.${m.by_kind}`)}</span> {m.reason}
                </>
              ),
            }))}
          />
        </Section>
      ) : null}
      <Trail object="leader" id={l.id} />
    </Page>
  );
}

function Decision({ id, name, act }: { id: string; name: string; act: 'suspend' | 'resume' | 'end' }) {
  const { t } = useTranslation('leaders');
  return (
    <Act
      method="post"
      path={`/leaders/{id}/${act}`}
      id={id}
      reason
      invalidate={['/leaders']}
      done={t(`leader.${act}Done`)}
      danger={act !== 'resume'}
      name={act === 'end' ? name : undefined}
      trigger={<Button danger={act !== 'resume'}>{t(`leader.${act}`)}</Button>}
      title={t(`leader.${act}Title`, { name })}
      consequence={t(`leader.${act}Text`)}
    />
  );
}

function Level({
  id,
  level,
  levels,
  seen,
}: {
  id: string;
  level: number;
  levels: readonly { name: string }[];
  seen: number;
}) {
  const { t } = useTranslation('leaders');
  return (
    <Act
      method="put"
      path="/leaders/{id}/level"
      id={id}
      seen={seen}
      reason
      danger={false}
      invalidate={['/leaders']}
      done={t('leader.levelDone')}
      body={(v) => ({ level: v.level, reason: v.reason })}
      trigger={<Button>{t('leader.setLevel')}</Button>}
      title={t('leader.setLevelTitle')}
      consequence={t('leader.setLevelText')}
    >
      <Form.Item name="level" label={t('people.level')} rules={[{ required: true, message: t('form.needed') }]}>
        <Select options={levels.map((l, i) => ({ value: i + 1, label: l.name, disabled: i + 1 === level }))} />
      </Form.Item>
    </Act>
  );
}
