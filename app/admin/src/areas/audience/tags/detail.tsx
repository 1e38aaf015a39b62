import { useQueryClient } from '@tanstack/react-query';
import { Alert } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { refresh, useGet } from '@/api';
import { useCan, useMe } from '@/app/session';
import { mark } from '@/i18n/marks';
import {
  Broken,
  Detail,
  dayOf,
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
import { usePeople as useShown } from '../people';
import { Actions, Decide } from './Actions';
import { Evidence } from './Evidence';
import { Feed } from './Feed';
import { refreshText } from './fields';
import { Life } from './Life';
import { Lineage } from './Lineage';
import { Next } from './Next';
import { RelatedTags } from './Related';
import { Run, Runs } from './Runs';
import { Short } from './Short';
import { SpreadOf } from './Spread';
import { pathOf, type TagDetail, useOperators, useTagStates, useTree } from './words';
import '../audience.css';

/** sentBack: what was sent in first came back, and nobody mended it yet. */
const sentBack = (g: TagDetail) => g.version === 0 && g.state !== 'retired' && g.versions[0]?.state === 'rejected';
const busy = (g: TagDetail | undefined) => g?.run?.state === 'waiting' || g?.run?.state === 'running';

/** One tag: what it is for and means, who has it, what it is made of and what of it. */
export function Component() {
  const { t } = useTranslation('audience');
  const shown = useShown();
  const { id = '' } = useParams();
  const [fast, setFast] = useState(false);
  const params = { path: { id } };
  const found = useGet('/tags/{id}', { params, refetchInterval: fast ? 2000 : 30_000 });
  const spread = useGet('/tags/{id}/spread', { params, refetchInterval: fast ? 5000 : 60_000 });
  const g = found.data;
  const tree = useTree(g?.brand_id ?? '');
  const labels = useTagStates();
  const people = useOperators(g?.operators);
  const running = busy(g);
  const client = useQueryClient();
  const was = useRef(false);
  useEffect(() => {
    setFast(running);
    // What a computation changed is asked for when it is over, not a minute later.
    if (was.current && !running) void refresh(client, ['/tags']);
    was.current = running;
  }, [running, client]);
  if (found.error && !g) return <Broken error={found.error} again={() => void found.refetch()} />;
  if (!g) return <Waiting />;
  const s = spread.data;
  const live = g.state === 'running';
  const counts = (g.versions.find((v) => v.version === g.version) ?? g.versions[0])?.definition;
  return (
    <Page
      title={g.name}
      tag={
        <StateTag state={sentBack(g) ? 'rejected' : g.state} labels={{ ...labels, rejected: t('tag.done.rejected') }} />
      }
      trail={[{ title: t('menu.tags'), to: '/audience/tags' }]}
      about={`${pathOf(tree, g, t)} · ${t(`tag.kind.${g.kind}`)}`}
      actions={<Actions tag={g} />}
    >
      <Life tag={g} name={people.name} />
      <Waits tag={g} />
      {g.run && (running || g.run.state === 'failed') ? <Run tag={g} run={g.run} /> : null}
      {live ? (
        <StatCards
          items={[
            {
              key: 'people',
              title: t('tag.people'),
              value: g.counted_at ? shown.of(g.people) : '—',
              about: t('tag.peopleAbout'),
              note: g.counted_at ? <Time at={g.counted_at} /> : t('tag.notCounted'),
            },
            {
              key: 'cover',
              title: t('tag.cover'),
              about: t('tag.coverAbout'),
              value: s ? shown.share(s.people, s.base) : '—',
              note: s && s.base > 0 ? t('tag.coverOf', { n: shown.of(s.base) }) : t('tag.notCounted'),
            },
            {
              key: 'used',
              title: t('tag.used'),
              about: t('tag.usedAbout'),
              value: g.used_at ? dayOf(g.used_at) : '—',
            },
            {
              key: 'due',
              title: t('tag.dueAt'),
              value: g.due_at ? dayOf(g.due_at) : '—',
              tone: g.due_at && Date.parse(g.due_at) < Date.now() ? 'warn' : undefined,
            },
          ]}
        />
      ) : null}
      <About tag={g} />
      {g.version > 0 || g.versions.length === 0 ? (
        <Section title={t(live ? 'tag.meaning' : 'tag.meant')}>
          {g.meaning.length > 0 ? (
            <div className="audience-sentence">
              {counts && counts.source !== 'rule' ? <Short brand={g.brand_id ?? ''} definition={counts} /> : null}
              {(counts?.source === 'rule' ? g.meaning : []).map((line) => (
                <div key={line}>{line}</div>
              ))}
            </div>
          ) : (
            <p className="muted">{t('tag.noMeaning')}</p>
          )}
          {g.profiling ? <Alert type="info" showIcon title={t('tag.profiling')} /> : null}
        </Section>
      ) : null}
      {live && g.kind === 'model' ? <Feed tag={g} /> : null}
      <Next tag={g} />
      {live && s ? <SpreadOf data={s} name={g.name} /> : null}
      <Lineage tag={g} />
      {live ? <RelatedTags id={id} /> : null}
      {live ? <Evidence tag={g} /> : null}
      <Versions tag={g} />
      {g.version > 0 ? <Runs tag={g} live={running} /> : null}
      <Trail object="tag" id={id} />
    </Page>
  );
}

/** Waits says what is to be done with the tag, and by whom. */
function Waits({ tag }: { tag: TagDetail }) {
  const { t } = useTranslation('audience');
  const { me } = useMe();
  const newest = tag.versions[0];
  const shown = { style: { marginBottom: 16 }, showIcon: true };
  const people = useOperators(tag.operators);
  // Why the text before this one was sent back: whoever decides again looks whether that was mended.
  const back =
    newest?.decided_at && ['draft', 'pending'].includes(newest.state) ? (
      <div>
        {t('tag.sentBack', {
          who: people.name(newest.decided_by),
          at: formatTime(newest.decided_at),
          note: newest.note,
        })}
      </div>
    ) : null;
  const own = [tag.by_id, newest?.by_id].includes(me.operator.id);
  const decides = useCan()('tag:approve') && !own;
  return (
    <>
      {newest?.state === 'pending' ? (
        <Alert
          {...shown}
          type="warning"
          title={t(tag.version > 0 ? 'tag.waitsChange' : decides ? 'tag.waitsYou' : 'tag.waits')}
          description={
            own || back || decides ? (
              <>
                {own ? <div>{t('tag.waitsOther')}</div> : null}
                {back}
                {decides ? <Decide tag={tag} /> : null}
              </>
            ) : undefined
          }
        />
      ) : null}
      {newest?.state === 'rejected' ? (
        <Alert {...shown} type="error" title={t('tag.refused')} description={newest.note} />
      ) : null}
      {newest?.state === 'draft' && tag.state !== 'retired' ? (
        <Alert {...shown} type="info" title={t(tag.version > 0 ? 'tag.draftChange' : 'tag.draft')} description={back} />
      ) : null}
      {tag.state === 'requested' ? <Alert {...shown} type="info" title={t('tag.asked')} /> : null}
      {tag.proposal && tag.state === 'running' ? (
        <Alert
          {...shown}
          type="warning"
          title={t('tag.proposal')}
          description={t('tag.proposalText', { day: tag.used_at ? dayOf(tag.used_at) : '—', n: tag.idle_days })}
        />
      ) : null}
    </>
  );
}

function About({ tag: g }: { tag: TagDetail }) {
  const { t } = useTranslation('audience');
  const { t: app } = useTranslation('app');
  const people = useOperators(g.operators);
  return (
    <Section title={t('tag.facts')}>
      <Detail
        items={[
          { label: t('tag.purpose'), value: g.purpose, wide: true },
          { label: t('tag.use'), value: g.intended_use, wide: true },
          { label: t('tag.owner'), value: people.name(g.owner_id) },
          { label: t('tag.asker'), value: people.name(g.by_id) },
          {
            label: t('tag.roles'),
            value:
              g.roles.length > 0
                ? g.roles.map((r) => app(`roles.${r}`, { defaultValue: r })).join(mark('、'))
                : t('tag.allRoles'),
          },
          g.kind === 'rule'
            ? { label: t('tag.refresh'), value: refreshText(t, g.refresh_minutes) }
            : { label: t('tag.ttl'), value: g.ttl_days > 0 ? t('tag.days', { n: g.ttl_days }) : t('tag.forever') },
          g.refresh_at ? { label: t('tag.nextRefresh'), value: <Time at={g.refresh_at} /> } : null,
          { label: t('tag.review'), value: t('tag.days', { n: g.review_days }) },
          g.reviewed_at ? { label: t('tag.reviewedAt'), value: <Time at={g.reviewed_at} /> } : null,
          { label: t('tag.idle'), value: t('tag.days', { n: g.idle_days }) },
          g.sensitive ? { label: t('tag.sensitiveTitle'), value: t('tag.sensitive') } : null,
        ]}
      />
    </Section>
  );
}

const decided = (state: string) => state === 'approved' || state === 'rejected';

function Versions({ tag }: { tag: TagDetail }) {
  const { t } = useTranslation('audience');
  const people = useOperators(tag.operators);
  if (tag.versions.length === 0) return null;
  return (
    <Section title={t('tag.versions')}>
      <Table
        rows={tag.versions}
        rowKey={(v) => String(v.version)}
        label={t('tag.versions')}
        columns={[
          { key: 'version', title: t('segments.version'), render: (v) => v.version },
          {
            key: 'state',
            title: t('tag.stateTitle'),
            render: (v) => (
              <StateTag
                state={v.state}
                tone={
                  v.version === tag.version && tag.state === 'running'
                    ? 'green'
                    : v.state === 'approved'
                      ? 'grey'
                      : undefined
                }
                labels={{
                  rejected: t('tag.done.rejected'),
                  ...(v.version === tag.version && tag.state === 'running' ? { approved: t('tag.counts') } : {}),
                }}
              />
            ),
          },
          { key: 'by', title: t('tag.writer'), render: (v) => people.name(v.by_id) },
          { key: 'at', title: t('tag.writtenAt'), render: (v) => <Time at={v.created_at} /> },
          {
            key: 'decider',
            title: t('tag.decider'),
            render: (v) => (decided(v.state) ? people.name(v.decided_by) : '—'),
          },
          {
            key: 'decided',
            title: t('tag.decidedAt'),
            render: (v) => (v.decided_at && decided(v.state) ? <Time at={v.decided_at} /> : '—'),
          },
          { key: 'note', title: t('tag.note'), render: (v) => (decided(v.state) && v.note) || '—' },
        ]}
      />
    </Section>
  );
}
