import { useTranslation } from 'react-i18next';

type Tone = 'grey' | 'blue' | 'green' | 'orange' | 'red' | 'purple';

/** The one vocabulary of states; the words are in the texts of "app" under states. A word
 * that belongs to one thing only is given by that page's `labels`. */
const tones: Record<string, Tone> = {
  draft: 'grey',
  pending: 'orange',
  pending_approval: 'orange',
  submitted: 'orange',
  waiting: 'orange',
  review: 'orange',
  scheduled: 'blue',
  queued: 'blue',
  sending: 'blue',
  accepted: 'blue',
  running: 'green',
  live: 'green',
  active: 'green',
  on: 'green',
  settled: 'green',
  approved: 'green',
  done: 'green',
  ok: 'green',
  paused: 'orange',
  suspended: 'orange',
  ended: 'grey',
  archived: 'grey',
  cancelled: 'grey',
  returned: 'grey',
  off: 'grey',
  disabled: 'grey',
  unknown: 'orange',
  failed: 'red',
  rejected: 'red',
  refused: 'red',
  voided: 'red',
  recalled: 'red',
  expired: 'grey',
};

/** StateTag is a state in words with a coloured dot. The words are dark, so that they are
 * readable on every screen; colour alone says nothing. */
export function StateTag({
  state,
  labels,
  tone,
}: {
  state: string | null | undefined;
  /** Words of this kind of thing, by state. */
  labels?: Record<string, string>;
  /** Colour where the usual one of the state is wrong here. */
  tone?: Tone;
}) {
  const { t, i18n } = useTranslation('app');
  if (!state) return <span className="muted">—</span>;
  const key = `states.${state}`;
  const text = labels?.[state] ?? (i18n.exists(key, { ns: 'app' }) ? t(key) : state);
  return <span className={`state state-${tone ?? tones[state] ?? 'grey'}`}>{text}</span>;
}
