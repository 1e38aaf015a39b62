import { Steps } from 'antd';
import { useTranslation } from 'react-i18next';
import { formatCount, useNarrow } from '@/ui';
import type { Flow } from './batch';

const at: Record<string, number> = {
  approve: 1,
  closed: 1,
  generate: 2,
  wait: 2,
  download: 3,
  password: 3,
  activate: 4,
  done: 5,
};

/** Stepper is the way of a batch with how far it is. */
export function Stepper({ flow }: { flow: Flow }) {
  const { t } = useTranslation('goods');
  const narrow = useNarrow();
  const pack = flow.exports.find((x) => x.state !== 'cancelled' && x.state !== 'failed');
  const who = (id: string | null | undefined) => (id ? (flow.logins[id] ?? '') : '');
  const activated = flow.counts.activated ?? 0;
  const total = flow.batch?.count ?? 0;
  // Codes can be on sale while nobody has handed the pack over: then that step is not done.
  const handed = Boolean(pack?.password_taken_at) && (pack?.parts ?? []).every((p) => p.downloads > 0);
  const now = at[flow.next] ?? 0;
  return (
    <Steps
      size="small"
      current={now}
      status={flow.next === 'closed' ? 'error' : 'process'}
      orientation={narrow ? 'vertical' : 'horizontal'}
      aria-label={t('flow.title')}
      items={[
        { title: t('flow.apply'), content: flow.request ? who(flow.request.asked_by) : t('flow.direct') },
        {
          title: t('flow.approve'),
          content: flow.request
            ? flow.request.decided_by
              ? who(flow.request.decided_by)
              : t('flow.second')
            : t('flow.none'),
        },
        {
          title: t('flow.generate'),
          content: pack ? `${formatCount(pack.done)} / ${formatCount(pack.total)}` : '',
        },
        {
          title: t('flow.handOver'),
          status: now > 3 && !handed ? 'wait' : undefined,
          content: pack?.password_taken_at ? t('flow.password', { who: who(pack.password_taken_by) }) : t('flow.hands'),
        },
        { title: t('flow.activate'), content: total ? `${formatCount(activated)} / ${formatCount(total)}` : '' },
      ]}
    />
  );
}
