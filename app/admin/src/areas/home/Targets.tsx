import { Form } from 'antd';
import { useTranslation } from 'react-i18next';
import { useWrite } from '@/api';
import { FormDrawer, MoneyInput, NumberInput, useOpened, useUndo } from '@/ui';
import { type Home, shown } from './Cards';

const metrics = ['new_members', 'members', 'scans', 'sales_fen'] as const;
type Values = Partial<Record<(typeof metrics)[number], number | null>>;

/** Targets are what the brand wants to reach this month. Empty is no target. */
export function Targets({
  brandId,
  home: now,
  seen: read,
  open,
  onClose,
}: {
  brandId: string;
  home: Home;
  /** When it was read. */
  seen: number;
  open: boolean;
  onClose: () => void;
}) {
  const { t } = useTranslation('home');
  const undo = useUndo();
  const set = useWrite('put', '/brands/{id}/targets', { quiet: true, invalidate: ['/home'] });
  const home = useOpened(open, now);
  const day = String(home.day ?? '');
  const month = Number(day.slice(0, 6));
  const before = Object.fromEntries((home.targets ?? []).map((x) => [x.metric, x.amount])) as Values;
  const save = async (values: Values, seen?: number) => {
    const params = { path: { id: brandId } };
    const changed = metrics.filter((m) => (values[m] ?? 0) !== (before[m] ?? 0));
    for (const metric of changed) {
      await set.mutateAsync({ params, body: { month, metric, amount: values[metric] ?? 0 }, seen });
    }
    if (changed.length === 0) return;
    undo(t('targets.done'), async (send) => {
      for (const metric of changed) {
        const body = { month, metric, amount: before[metric] ?? 0 };
        await send('put', '/brands/{id}/targets', { params, body, seen }, ['/home']);
      }
    });
  };
  return (
    <FormDrawer<Values>
      title={t('targets.title', { year: day.slice(0, 4), month: Number(day.slice(4, 6)) })}
      open={open}
      onClose={onClose}
      initial={before}
      seen={read}
      onSubmit={save}
    >
      <p className="muted">{t('targets.text')}</p>
      {metrics.map((m) => (
        <Form.Item
          key={m}
          name={m}
          label={t(`targets.metrics.${m}`)}
          extra={t('targets.sofar', { number: shown(m, home.month?.find((x) => x.metric === m)?.number) })}
        >
          {m === 'sales_fen' ? (
            <MoneyInput placeholder={t('targets.empty')} />
          ) : (
            <NumberInput min={0} max={1_000_000_000} style={{ width: '100%' }} placeholder={t('targets.empty')} />
          )}
        </Form.Item>
      ))}
    </FormDrawer>
  );
}
