import { Button, Segmented } from 'antd';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { useGet } from '@/api';
import { addressOf } from '@/api/client';
import {
  Broken,
  Can,
  Chart,
  Copy,
  Detail,
  formatCount,
  formatTime,
  Page,
  Section,
  StatCards,
  StateTag,
  Table,
  Time,
  Trail,
  Waiting,
} from '@/ui';
import { groupTone } from './groups';
import { LiveDrawer } from './liveCodes';
import { Act, useWords } from './parts';

export function Component() {
  const { t } = useTranslation('leaders');
  const { id = '' } = useParams();
  const states = useWords('liveState');
  const groupStates = useWords('groupState');
  const strategies = useWords('strategy');
  const causes = useWords('cause');
  const [editing, setEditing] = useState(false);
  const [days, setDays] = useState(7);
  const from = useMemo(() => new Date(Date.now() - days * 86_400_000).toISOString(), [days]);
  const { data: l, dataUpdatedAt, error, refetch } = useGet('/live-codes/{id}', { params: { path: { id } } });
  const stats = useGet('/live-codes/{id}/stats', { params: { path: { id }, query: { from } }, keep: true });
  const option = useMemo(() => {
    const hours = stats.data?.hours ?? [];
    const at = [...new Set(hours.map((h) => h.hour_at ?? ''))].sort();
    const groups = new Map((stats.data?.targets ?? []).map((x) => [x.community_id, x.name || x.community_id]));
    const series = [...groups.entries()].map(([key, name]) => ({
      name,
      type: 'bar',
      stack: 'all',
      data: at.map((a) =>
        hours.filter((h) => h.hour_at === a && h.community_id === key).reduce((n, h) => n + h.handed, 0),
      ),
    }));
    const dead = at.map((a) =>
      hours.filter((h) => h.hour_at === a && !h.community_id).reduce((n, h) => n + h.dead_ends, 0),
    );
    return {
      tooltip: { trigger: 'axis' },
      legend: { type: 'scroll', bottom: 0 },
      grid: { left: 40, right: 16, top: 16, bottom: 56 },
      xAxis: { type: 'category', data: at.map((a) => formatTime(a).slice(5)) },
      yAxis: { type: 'value', minInterval: 1 },
      series: [
        ...series,
        ...(dead.some((n) => n > 0)
          ? [{ name: t('live.deadEnds'), type: 'bar', stack: 'all', color: '#cf1322', data: dead }]
          : []),
      ],
    };
  }, [stats.data, t]);
  if (error && !l) return <Broken error={error} again={() => void refetch()} />;
  if (!l) return <Waiting />;
  const total = stats.data?.total;
  const picture = (format: 'png' | 'svg') => addressOf('/live-codes/{id}/picture', { path: { id }, query: { format } });
  const nameOf = (key: string | null) => (key ? (l.groups[key]?.name ?? key) : '—');
  return (
    <Page
      title={l.name}
      tag={<StateTag state={l.state} labels={states} />}
      trail={[{ title: t('menu.live'), to: '/leaders/live-codes' }]}
      actions={
        <>
          <Button href={picture('png')} download>
            {t('live.png')}
          </Button>
          <Button href={picture('svg')} download>
            SVG
          </Button>
          <Can do="group:write">
            <Button onClick={() => setEditing(true)}>{t('live.edit')}</Button>
            {l.state === 'live' ? (
              <Act
                method="post"
                path="/live-codes/{id}/pause"
                id={l.id}
                reason
                invalidate={['/live-codes']}
                done={t('live.paused')}
                undo={(send, reason) =>
                  send('post', '/live-codes/{id}/resume', { params: { path: { id } }, body: { reason } }, [
                    '/live-codes',
                  ])
                }
                trigger={<Button danger>{t('live.pause')}</Button>}
                title={t('live.pauseTitle', { name: l.name })}
                consequence={t('live.pauseText')}
              />
            ) : (
              <Act
                method="post"
                path="/live-codes/{id}/resume"
                id={l.id}
                danger={false}
                reason
                invalidate={['/live-codes']}
                done={t('live.resumed')}
                undo={(send, reason) =>
                  send('post', '/live-codes/{id}/pause', { params: { path: { id } }, body: { reason } }, [
                    '/live-codes',
                  ])
                }
                trigger={<Button type="primary">{t('live.resume')}</Button>}
                title={t('live.resumeTitle', { name: l.name })}
              />
            )}
          </Can>
        </>
      }
    >
      <Section>
        <div style={{ display: 'flex', flexWrap: 'wrap', gap: 24 }}>
          <img src={picture('svg')} alt={t('live.picture', { name: l.name })} width={160} height={160} />
          <div style={{ flex: '1 1 320px', minWidth: 0 }}>
            <Detail
              columns={2}
              items={[
                { label: t('live.address'), value: <Copy text={l.url} />, wide: true },
                { label: t('live.strategy'), value: strategies[l.strategy] },
                { label: t('live.regionFirst'), value: t(l.region_first ? 'yes' : 'no') },
                { label: t('live.leader'), value: l.leader_name || t('live.anyLeader') },
                {
                  label: t('live.region'),
                  value: [l.province, l.city].filter(Boolean).join(' ') || t('live.anywhere'),
                },
                { label: t('live.fallback'), value: l.fallback_text },
                { label: t('live.fallbackQR'), value: l.fallback_qr },
              ]}
            />
          </div>
        </div>
      </Section>
      <Section title={t('live.targets')}>
        <Table
          rows={l.targets}
          rowKey={(x) => x.community_id ?? ''}
          to={(x) => `/leaders/groups/${x.community_id}`}
          columns={[
            { key: 'name', title: t('groups.name'), render: (x) => nameOf(x.community_id) },
            {
              key: 'state',
              title: t('live.targetState'),
              render: (x) => (
                <StateTag
                  state={x.state}
                  labels={{ live: t('live.taking'), dropped: t('live.dropped') }}
                  tone={x.state === 'live' ? 'green' : 'grey'}
                />
              ),
            },
            {
              key: 'group',
              title: t('people.state'),
              render: (x) => {
                const g = l.groups[x.community_id ?? ''];
                return g ? <StateTag state={g.state} labels={groupStates} tone={groupTone(g.state)} /> : '—';
              },
            },
            {
              key: 'size',
              title: t('groups.size'),
              align: 'right',
              render: (x) => {
                const g = l.groups[x.community_id ?? ''];
                return g ? `${g.size}${g.pending ? ` +${g.pending}` : ''} / ${g.scan_capacity}` : '—';
              },
            },
            {
              key: 'handed',
              title: t('live.handed'),
              align: 'right',
              render: (x) => `${formatCount(x.handed)}${x.max_handed ? ` / ${x.max_handed}` : ''}`,
            },
          ]}
          empty={t('live.noTargets')}
        />
      </Section>
      <Section
        title={t('live.stats')}
        extra={
          <Segmented
            aria-label={t('live.range')}
            value={days}
            onChange={setDays}
            options={[1, 7, 30].map((n) => ({ value: n, label: t('rules.days', { n }) }))}
          />
        }
      >
        <StatCards
          items={[
            { key: 'visitors', title: t('live.visitors'), value: formatCount(total?.visitors ?? 0) },
            { key: 'handed', title: t('live.handed'), value: formatCount(total?.handed ?? 0) },
            {
              key: 'moved',
              title: t('live.moved'),
              value: formatCount(total?.moved ?? 0),
              about: t('live.movedAbout'),
            },
            {
              key: 'dead',
              title: t('live.deadEnds'),
              value: formatCount(total?.dead_ends ?? 0),
              about: t('live.deadAbout'),
              tone: total?.dead_ends ? 'bad' : undefined,
            },
          ]}
        />
        {stats.data && stats.data.hours.length > 0 ? (
          <Chart label={t('live.stats')} option={option} />
        ) : (
          <p className="muted">{t('live.noStats')}</p>
        )}
        <Table
          rows={(stats.data?.switches ?? []).toReversed()}
          columns={[
            { key: 'at', title: t('accrual.at'), render: (s) => <Time at={s.created_at} /> },
            {
              key: 'what',
              title: t('live.switch'),
              render: (s) =>
                s.kind === 'dropped'
                  ? t('live.droppedBy', { name: nameOf(s.community_id), why: causes[s.cause] ?? s.cause })
                  : t('live.revived', { name: nameOf(s.community_id) }),
            },
            {
              key: 'next',
              title: t('live.next'),
              render: (s) => (s.next_id ? <Link to={`/leaders/groups/${s.next_id}`}>{nameOf(s.next_id)}</Link> : '—'),
            },
          ]}
          empty={t('live.noSwitches')}
        />
      </Section>
      <Trail object="live-code" id={l.id} />
      <LiveDrawer code={l} seen={dataUpdatedAt} open={editing} onClose={() => setEditing(false)} />
    </Page>
  );
}
