import { useQueryClient } from '@tanstack/react-query';
import { Alert, Progress as Bar } from 'antd';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { refresh, useGet } from '@/api';
import { usePeople } from '@/areas/audience/people';
import { sentence } from '@/i18n/server';
import { Broken, Section, StatCards, Table, Waiting } from '@/ui';
import type { Push } from './draft';
import { DeliveryState, useArmName } from './state';
import { TaskNotes } from './tasks';

/** Progress is how far a push is: how many got it, how fast it goes, and in words why the
 * others did not. */
export function Progress({ p }: { p: Push }) {
  const { t } = useTranslation('pushes');
  const moves = p.state === 'running' || p.state === 'paused';
  const found = useGet('/pushes/{id}/progress', {
    params: { path: { id: p.id } },
    refetchInterval: moves ? 2000 : 30_000,
    keep: true,
  });
  const client = useQueryClient();
  const arm = useArmName();
  const people = usePeople();
  const n = found.data;
  const moved = n !== undefined && n.state !== p.state;
  // The numbers are asked for more often than the push: what they know first, its head learns.
  useEffect(() => {
    if (moved) void refresh(client, ['/pushes']);
  }, [moved, client]);
  if (found.error && !found.data) return <Broken error={found.error} again={() => void found.refetch()} />;
  if (!n) return <Waiting />;
  const over = n.sent + n.refused + n.unknown + n.skipped;
  // Whoever may see no members finds no list of them behind a number.
  const to = (state: string) => (people.under > 0 ? {} : { to: `/pushes/${p.id}?tab=people&of=${state}` });
  return (
    <>
      <Section title={t('progress.title')}>
        <p className="reach-sentence">{sentence(n.said)}</p>
        <Bar
          percent={n.percent}
          status={p.state === 'done' ? 'success' : p.state === 'running' ? 'active' : 'normal'}
          aria-label={t('progress.title')}
        />
        <span className="muted nums">
          {t('progress.of', { n: people.of(over), all: people.of(over + n.waiting + n.sending) })}
        </span>
        {n.partial ? <Alert type="warning" showIcon title={sentence(n.partial)} style={{ marginTop: 12 }} /> : null}
      </Section>
      <TaskNotes tasks={n.tasks} />
      <StatCards
        items={[
          {
            key: 'people',
            title: t('field.people'),
            value: people.of(n.people),
            about: t('field.peopleAbout'),
          },
          { key: 'sent', title: t('delivery.sent'), value: people.of(n.sent), ...to('sent') },
          {
            key: 'waiting',
            title: t('delivery.waiting'),
            value: people.of(n.waiting + n.sending),
            ...to('waiting'),
          },
          { key: 'skipped', title: t('delivery.skipped'), value: people.of(n.skipped), ...to('skipped') },
          {
            key: 'refused',
            title: t('delivery.refused'),
            value: people.of(n.refused),
            ...to('refused'),
            ...(n.refused > 0 ? { tone: 'warn' as const } : {}),
          },
          ...(n.unknown > 0
            ? [
                {
                  key: 'unknown',
                  title: t('delivery.unknown'),
                  value: people.of(n.unknown),
                  about: t('progress.unknownAbout'),
                  ...to('unknown'),
                  tone: 'warn' as const,
                },
              ]
            : []),
          {
            key: 'held',
            title: t('delivery.held'),
            value: people.of(n.held),
            about: t('progress.heldAbout'),
            ...to('held'),
          },
        ]}
      />
      {people.under > 0 ? <p className="muted">{t('reach.rounded')}</p> : null}
      {n.counts.length > 0 ? (
        <Section title={t('progress.reasons')}>
          <Table
            label={t('progress.reasons')}
            rows={n.counts}
            rowKey={(c) => `${c.arm}${c.state}${c.channel}${c.reason}`}
            columns={[
              { key: 'state', title: t('field.state'), width: 120, render: (c) => <DeliveryState state={c.state} /> },
              { key: 'words', title: t('progress.why'), render: (c) => (c.words ? sentence(c.said) : '—') },
              { key: 'arm', title: t('report.group'), render: (c) => arm(c) },
              { key: 'n', title: t('report.people'), align: 'right', render: (c) => people.of(c.n) },
            ]}
          />
        </Section>
      ) : null}
      {p.links.length > 0 && n.sent > 0 ? (
        <Section title={t('progress.clicks')}>
          <p className="muted">{t('progress.clicksAbout')}</p>
          <Table
            label={t('progress.clicks')}
            rows={n.clicks}
            rowKey={(c) => `${c.link_no}${c.arm}`}
            columns={[
              { key: 'link', title: t('progress.link'), render: (c) => c.title || t('progress.stopLink') },
              { key: 'arm', title: t('report.group'), render: (c) => c.arm },
              { key: 'people', title: t('progress.opened'), align: 'right', render: (c) => people.of(c.people) },
              { key: 'clicks', title: t('progress.times'), align: 'right', render: (c) => people.of(c.clicks) },
            ]}
            empty={people.under > 0 ? t('progress.fewClicks', { n: people.under }) : t('progress.noClick')}
          />
        </Section>
      ) : null}
    </>
  );
}
