import { Alert } from 'antd';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { useGet } from '@/api';
import { usePeople } from '@/areas/audience/people';
import { original, sentence } from '@/i18n/server';
import { Broken, formatFen, Page, Section, StatCards, Tabs, Trail, Waiting } from '@/ui';
import { Actions } from './actions';
import { Content } from './Content';
import { divided, isWhole, leftAlone, type Push } from './draft';
import { Earned } from './Earned';
import { Estimate, useEstimate } from './Estimate';
import { approval } from './needs';
import { People } from './People';
import { Preview } from './Preview';
import { Progress } from './Progress';
import { PushState } from './state';
import { Tests } from './Tests';
import { Countdown } from './when';
import './pushes.css';

/** One push: how far it is, what it brought, each person's copy, and what it says. */
export function Component() {
  const { id = '' } = useParams();
  const { t } = useTranslation('pushes');
  const { under } = usePeople();
  const found = useGet('/pushes/{id}', { params: { path: { id } }, refetchInterval: 4000 });
  const p = found.data;
  if (!p) return found.error ? <Broken error={found.error} again={() => void found.refetch()} /> : <Waiting />;
  // What was put before a person again has begun nothing: what it says is to be looked at.
  const begun =
    Boolean(p.started_at) &&
    p.state !== 'missed' &&
    p.state !== 'draft' &&
    p.state !== 'pending' &&
    p.state !== 'scheduled';
  return (
    <Page
      title={p.name}
      tag={<PushState state={p.state} />}
      trail={[{ title: t('menu.pushes'), to: '/pushes' }]}
      actions={<Actions p={p} />}
    >
      <Said p={p} />
      <Tabs
        tabs={[
          ...(begun
            ? [
                { key: 'progress', label: t('detail.progress'), content: () => <Progress p={p} /> },
                { key: 'report', label: t('detail.report'), content: () => <Earned p={p} /> },
                ...(under > 0 ? [] : [{ key: 'people', label: t('detail.people'), content: () => <People p={p} /> }]),
              ]
            : []),
          {
            key: 'content',
            label: t('detail.content'),
            content: () => (
              <>
                {begun ? null : <Planned p={p} />}
                {begun || !isWhole(p) ? null : <Estimate id={p.id} />}
                <Content p={p} />
                {isWhole(p) ? (
                  <>
                    <Section title={t('preview.title')}>
                      <Preview id={p.id} version={p.version} />
                    </Section>
                    <Tests p={p} />
                  </>
                ) : null}
                <Trail object="push" id={p.id} />
              </>
            ),
          },
        ]}
      />
    </Page>
  );
}

/** What is too late, or was only scheduled, may begin now; what is not as it was approved has
 * to be asked for again. */
function missedDo(code: string | undefined): string {
  if (code === 'note_late') return 'said.lateDo';
  return code?.startsWith('note_plan_') ? 'said.planDo' : 'said.missedDo';
}

/** Said is what a person has to know or to decide about it now. */
function Said({ p }: { p: Push }) {
  const { t, i18n } = useTranslation('pushes');
  const people = usePeople();
  const alert = (type: 'info' | 'warning' | 'error', title: string, more?: React.ReactNode) => (
    <Alert type={type} showIcon style={{ marginBottom: 16 }} title={title} description={more} />
  );
  // A note that somebody wrote has no parts, and no English.
  const note = p.said ? sentence(p.said) : p.note && i18n.language !== 'zh-CN' ? original(p.note) : p.note;
  switch (p.state) {
    case 'missed':
      return alert('warning', note || t('said.missed'), t(missedDo(p.said?.code)));
    case 'pending':
      return alert('info', t('said.pending', { n: people.of(p.expected) }));
    case 'scheduled':
      return p.start_at
        ? alert('info', t('said.scheduled'), <Countdown at={p.start_at} />)
        : alert('info', t('said.ready'));
    default:
      return note ? alert(p.state === 'stopped' ? 'error' : 'warning', note) : null;
  }
}

/** Planned says of a push that has not begun how many it would reach now. */
function Planned({ p }: { p: Push }) {
  const { t } = useTranslation('pushes');
  const people = usePeople();
  const whole = isWhole(p);
  const needs = useGet('/pushes/{id}/needs', { params: { path: { id: p.id } }, enabled: whole });
  const n = needs.data;
  const holdout = useGet('/holdout', { params: { query: { brand_id: p.brand_id ?? '' } }, enabled: whole });
  const cost = useEstimate(p.id, whole);
  if (!whole) return <Alert type="info" showIcon style={{ marginBottom: 16 }} title={t('planned.incomplete')} />;
  if (!n || !holdout.data) return null;
  const left = leftAlone(n.people, divided(p, holdout.data.settings.universal_bp));
  return (
    <StatCards
      items={[
        { key: 'people', title: t('planned.people'), value: people.of(n.people), about: t('planned.about') },
        {
          key: 'held',
          title: t('planned.held'),
          value: people.about(left.people),
          note: left.percent,
        },
        ...(cost?.known
          ? [{ key: 'cost', title: t('estimate.card'), value: formatFen(cost.cost_fen), note: t('estimate.cardNote') }]
          : []),
        {
          key: 'approval',
          title: t('planned.approval'),
          value: t(p.approved ? 'planned.approved' : n.need_approval ? 'planned.needed' : 'planned.notNeeded'),
          note: p.approved ? undefined : approval(t, p, n, people),
        },
      ]}
    />
  );
}
