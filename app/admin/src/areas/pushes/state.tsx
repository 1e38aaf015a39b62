import { useTranslation } from 'react-i18next';
import { StateTag } from '@/ui';

export const pushStates = ['draft', 'pending', 'scheduled', 'running', 'paused', 'missed', 'done', 'stopped'] as const;

const tones = { missed: 'orange', done: 'grey', stopped: 'red' } as const;

/** PushState is the state of a push in the words of the house. */
export function PushState({ state }: { state: string }) {
  const { t } = useTranslation('pushes');
  return (
    <StateTag
      state={state}
      tone={tones[state as keyof typeof tones]}
      labels={Object.fromEntries(pushStates.map((s) => [s, t(`state.${s}`)]))}
    />
  );
}

/** useArmName says whose copies these are: those of an arm, or of who is left alone. */
export function useArmName(): (d: { state: string; reason: string; arm: string }) => string {
  const { t } = useTranslation('pushes');
  return (d) => (d.state === 'held' ? t(d.reason === 'universal' ? 'report.universal' : 'report.held') : d.arm);
}

const deliveryTones = { waiting: 'orange', sending: 'blue', sent: 'green', refused: 'red', unknown: 'orange' } as const;
export const deliveryStates = ['sent', 'waiting', 'sending', 'refused', 'unknown', 'skipped', 'held'] as const;

/** DeliveryState is what became of one person's copy. */
export function DeliveryState({ state }: { state: string }) {
  const { t } = useTranslation('pushes');
  return (
    <StateTag
      state={state}
      tone={deliveryTones[state as keyof typeof deliveryTones] ?? 'grey'}
      labels={{ [state]: t(`delivery.${state}`, { defaultValue: state }) }}
    />
  );
}
