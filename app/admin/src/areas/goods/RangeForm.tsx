import { Alert, Form, Input, Radio } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet, useWrite } from '@/api';
import { errorText } from '@/api/error';
import { FormDrawer, formatCount, halfWidth, TimeInput } from '@/ui';
import { SerialInputs } from './GeneratePack';
import { useOptions, useWords } from './words';

export type Acting = 'activated' | 'revoked' | 'recalled' | 'voided';

type Values = {
  state: Acting;
  part: 'all' | 'some';
  from?: number;
  to?: number;
  when: 'now' | 'later';
  at?: string | null;
  reason?: string;
  typed?: string;
};

type Batch = { id: string; name: string; count: number };

/** RangeForm activates, revokes, recalls or voids serials, now or at a time, and says how
 * many codes that changes before anybody confirms it. */
export function RangeForm({
  batch,
  open,
  onClose,
  preset,
}: {
  batch: Batch;
  open: boolean;
  onClose: () => void;
  preset?: { state?: Acting; from: number; to: number };
}) {
  const { t } = useTranslation('goods');
  const acts = useOptions('range.acts');
  const words = useWords('range.acts');
  const [now, setNow] = useState<Values | null>(null);
  const [asked, setAsked] = useState<Values | null>(null);
  const write = useWrite('post', '/batches/{id}/ranges', {
    invalidate: ['/batches', '/batch-requests', '/batch-alarms'],
    done: t('range.done'),
    quiet: true,
  });
  const bounds = (v: Values) =>
    v.part === 'all'
      ? { from_serial: 1, until_serial: batch.count + 1 }
      : { from_serial: v.from ?? 0, until_serial: (v.to ?? 0) + 1 };
  const at = (v: Values) => (v.when === 'later' && v.state !== 'revoked' ? (v.at ?? undefined) : undefined);
  const ready =
    asked !== null &&
    open &&
    (asked.part === 'all' || Boolean(asked.from && asked.to)) &&
    (asked.when === 'now' || asked.state === 'revoked' || Boolean(asked.at));
  const b = asked ? bounds(asked) : { from_serial: 0, until_serial: 0 };
  const effect = useGet('/batches/{id}/effect', {
    params: {
      path: { id: batch.id },
      query: {
        from_serial: String(b.from_serial),
        until_serial: String(b.until_serial),
        state: asked?.state ?? 'activated',
        effective_at: asked ? at(asked) : undefined,
      },
    },
    enabled: ready,
  });
  // Nothing is said of what was asked a moment ago: the button must not call a void an activation.
  const fresh = ready && question(now) === question(asked);
  const refused = fresh ? (effect.data?.refused ?? '') : '';
  const n = fresh && effect.data && !refused ? formatCount(effect.data.changes) : '';
  const save = (v: Values) =>
    write.mutateAsync({
      params: { path: { id: batch.id } },
      body: { ...bounds(v), state: v.state, effective_at: at(v) ?? null, reason: v.reason ?? '' },
    });
  return (
    <FormDrawer<Values>
      title={t('range.title', { name: batch.name })}
      open={open}
      onClose={onClose}
      initial={{
        state: preset?.state ?? 'activated',
        part: preset ? 'some' : 'all',
        from: preset?.from ?? 1,
        to: preset?.to ?? batch.count,
        when: 'now',
      }}
      onSubmit={save}
      submit={now && n ? t('range.confirm', { act: words[now.state], n }) : t('range.confirmPlain')}
    >
      {(_, values) => {
        const v = values as Values;
        return (
          <>
            <Watch values={v} onNow={setNow} onChange={setAsked} />
            <Form.Item name="state" label={t('range.act')}>
              <Radio.Group options={acts} optionType="button" />
            </Form.Item>
            <p className="muted">{v.state ? t(`range.about.${v.state}`) : null}</p>
            <Form.Item name="part" label={t('range.which')}>
              <Radio.Group
                options={[
                  { value: 'all', label: t('range.all', { n: formatCount(batch.count) }) },
                  { value: 'some', label: t('range.some') },
                ]}
              />
            </Form.Item>
            {v.part === 'some' ? <SerialInputs max={batch.count} /> : null}
            {v.state === 'revoked' ? null : (
              <>
                <Form.Item name="when" label={t('range.when')}>
                  <Radio.Group
                    options={[
                      { value: 'now', label: t('range.now') },
                      { value: 'later', label: t('range.later') },
                    ]}
                  />
                </Form.Item>
                {v.when === 'later' ? (
                  <Form.Item name="at" label={t('range.at')} rules={[{ required: true, message: t('needed') }]}>
                    <TimeInput />
                  </Form.Item>
                ) : null}
              </>
            )}
            <Form.Item
              name="reason"
              label={v.state === 'activated' ? t('range.reasonOptional') : t('reason')}
              rules={v.state === 'activated' ? [] : [{ required: true, whitespace: true, message: t('needed') }]}
            >
              <Input.TextArea rows={2} maxLength={200} showCount />
            </Form.Item>
            {v.state === 'voided' || v.state === 'recalled' ? (
              <Form.Item
                name="typed"
                label={t(v.state === 'voided' ? 'range.typeName' : 'range.typeNameRecall', { name: batch.name })}
                rules={[
                  {
                    validator: (_rule, typed) =>
                      halfWidth(String(typed ?? '')).trim() === halfWidth(batch.name).trim()
                        ? Promise.resolve()
                        : Promise.reject(new Error(t('range.typeNameWrong'))),
                  },
                ]}
              >
                <Input autoComplete="off" spellCheck={false} />
              </Form.Item>
            ) : null}
            <div aria-live="polite">
              {refused || effect.error ? (
                <Alert type="error" showIcon title={refused || errorText(effect.error)} />
              ) : null}
              {n && v.state ? (
                <Alert
                  type={v.state === 'activated' ? 'info' : 'warning'}
                  showIcon
                  title={t(`range.effect.${v.state}`, { n })}
                  description={
                    <Effect
                      from={effect.data?.from ?? {}}
                      codes={effect.data?.codes ?? 0}
                      changes={effect.data?.changes ?? 0}
                    />
                  }
                />
              ) : null}
            </div>
          </>
        );
      }}
    </FormDrawer>
  );
}

/** Effect says which codes change, by the state they leave, and how many stay as they are. */
function Effect({ from, codes, changes }: { from: Record<string, number>; codes: number; changes: number }) {
  const { t } = useTranslation('goods');
  const words = useWords('codeState');
  const parts = Object.entries(from).map(([s, n]) => t('range.leaving', { state: words[s], n: formatCount(n) }));
  if (codes > changes) parts.push(t('range.staying', { n: formatCount(codes - changes) }));
  return <span>{parts.join(t('comma'))}</span>;
}

/** question is what of the form the effect depends on. */
function question(v: Values | null): string {
  return v ? JSON.stringify([v.state, v.part, v.from, v.to, v.when, v.at]) : '';
}

/** Watch hands the values out of the form: at once, and a moment after the last key. */
function Watch({
  values,
  onNow,
  onChange,
}: {
  values: Values;
  onNow: (v: Values) => void;
  onChange: (v: Values) => void;
}) {
  const text = question(values);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the text is the values
  useEffect(() => {
    onNow(values);
    const wait = setTimeout(() => onChange(values), 300);
    return () => clearTimeout(wait);
  }, [text]);
  return null;
}
