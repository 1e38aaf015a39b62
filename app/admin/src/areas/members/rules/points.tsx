import { Alert, Button, Form, Select } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Data, useGet, useWrite } from '@/api';
import { useCan } from '@/app/session';
import { mark } from '@/i18n/marks';
import { spoken } from '@/i18n/server';
import {
  Broken,
  FaultAlert,
  FormDrawer,
  formatCount,
  NumberInput,
  Section,
  Table,
  Time,
  Trail,
  useOpened,
  Waiting,
} from '@/ui';

type Ruled = Data<'get', '/brands/{id}/points-rules'>;
type Earn = NonNullable<Ruled['rules']['earn']>[number];
type Values = { earn: (Earn & { min_yuan: number })[]; expiry: { kind: string; n: number }; approve_above: number };

const ways = ['order', 'review', 'birthday', 'tier'] as const;

/** What points are given for, when they end, and above what a second person is needed.
 * Nothing is saved before its worst case was looked at. */
export function PointsRules({ brand }: { brand: string }) {
  const { t } = useTranslation('members');
  const may = useCan();
  const { data, dataUpdatedAt, error, refetch } = useGet('/brands/{id}/points-rules', {
    params: { path: { id: brand } },
  });
  const [open, setOpen] = useState(false);
  if (error && !data) return <Broken error={error} again={() => void refetch()} />;
  if (!data) return <Waiting />;
  const r = data.rules;
  return (
    <>
      <Section
        title={t('rules.earn')}
        extra={
          <>
            <span className="muted">{r.version > 0 ? t('rules.version', { n: r.version }) : t('rules.defaults')}</span>
            {may('points:write') ? (
              <Button type="primary" onClick={() => setOpen(true)}>
                {t('common.edit')}
              </Button>
            ) : null}
          </>
        }
      >
        <Table
          rows={(r.earn ?? []).map((e) => ({ ...e, id: e.on }))}
          label={t('rules.earn')}
          columns={[
            { key: 'on', title: t('rules.on'), render: (e) => t(`rules.way.${e.on}`, { defaultValue: e.on }) },
            {
              key: 'points',
              title: t('rules.points'),
              align: 'right',
              render: (e) => (e.on === 'order' ? t('rules.perYuan', { n: e.points }) : formatCount(e.points)),
            },
            {
              key: 'pending',
              title: t('rules.pending'),
              align: 'right',
              about: t('rules.pendingAbout'),
              render: (e) => (e.pending_days ? t('rules.days', { n: e.pending_days }) : '—'),
            },
            {
              key: 'day',
              title: t('rules.capDay'),
              align: 'right',
              render: (e) => (e.cap_per_day ? formatCount(e.cap_per_day) : t('rules.noCap')),
            },
            {
              key: 'month',
              title: t('rules.capMonth'),
              align: 'right',
              render: (e) => (e.cap_per_month ? formatCount(e.cap_per_month) : t('rules.noCap')),
            },
          ]}
          empty={t('rules.noEarn')}
        />
        <p>{t('rules.limit', { n: formatCount(r.approve_above) })}</p>
        {r.version > 0 ? (
          <p className="muted">
            {t('rules.saved')} <Time at={r.created_at} />
          </p>
        ) : null}
      </Section>
      <Section title={t('rules.preview')}>
        <PreviewOf preview={data.preview} />
      </Section>
      <Trail object="points_rule" id={brand} />
      <Edit brand={brand} rules={r} seen={dataUpdatedAt} open={open} onClose={() => setOpen(false)} />
    </>
  );
}

function PreviewOf({ preview: p }: { preview: Ruled['preview'] }) {
  const { t } = useTranslation('members');
  return (
    <>
      {(p.warnings ?? []).map((w) => (
        <Alert key={w} type="warning" showIcon style={{ marginBottom: 8 }} title={spoken(w)} />
      ))}
      <p style={{ marginTop: 0 }}>
        {spoken(p.expiry_text)}
        {p.expires_at ? (
          <span className="muted">
            {' '}
            {t('rules.endsAt')} <Time at={p.expires_at} />
          </span>
        ) : null}
      </p>
      <ul style={{ marginBottom: 0 }}>
        {(p.worst ?? []).map((w) => (
          <li key={w.on}>
            {spoken(w.name)}
            {mark('：')}
            {spoken(w.text)}
          </li>
        ))}
      </ul>
    </>
  );
}

function Edit({
  brand,
  rules: now,
  seen,
  open,
  onClose,
}: {
  brand: string;
  rules: Ruled['rules'];
  seen: number;
  open: boolean;
  onClose: () => void;
}) {
  const { t } = useTranslation('members');
  const save = useWrite('put', '/brands/{id}/points-rules', {
    invalidate: ['/brands'],
    done: t('rules.savedDone'),
    quiet: true,
  });
  const rules = useOpened(open, now);
  return (
    <FormDrawer<Values>
      title={t('rules.edit')}
      open={open}
      onClose={onClose}
      width={760}
      initial={{
        earn: (rules.earn ?? []).map((e) => ({ ...e, min_yuan: e.min_amount_fen / 100 })),
        expiry: rules.expiry,
        approve_above: rules.approve_above,
      }}
      seen={seen}
      onSubmit={(v, seen) =>
        save.mutateAsync({ params: { path: { id: brand } }, body: bodyOf(v, rules.version, false), seen })
      }
    >
      {(_, values) => (
        <>
          <Form.List name="earn">
            {(items, { add, remove }) => (
              <>
                {items.map((f) => (
                  <div key={f.key} className="section" style={{ display: 'flex', flexWrap: 'wrap', gap: 12 }}>
                    <Form.Item name={[f.name, 'on']} label={t('rules.on')} rules={[{ required: true }]}>
                      <Select
                        style={{ width: 140 }}
                        options={ways.map((w) => ({ value: w, label: t(`rules.way.${w}`) }))}
                      />
                    </Form.Item>
                    <Form.Item
                      name={[f.name, 'points']}
                      label={values.earn?.[f.name]?.on === 'order' ? t('rules.pointsPerYuan') : t('rules.points')}
                    >
                      <NumberInput min={0} />
                    </Form.Item>
                    <Form.Item name={[f.name, 'pending_days']} label={t('rules.pending')}>
                      <NumberInput min={0} max={90} />
                    </Form.Item>
                    <Form.Item name={[f.name, 'cap_per_day']} label={t('rules.capDay')}>
                      <NumberInput min={0} />
                    </Form.Item>
                    <Form.Item name={[f.name, 'cap_per_month']} label={t('rules.capMonth')}>
                      <NumberInput min={0} />
                    </Form.Item>
                    {values.earn?.[f.name]?.on === 'order' ? (
                      <Form.Item name={[f.name, 'min_yuan']} label={t('rules.minAmount')}>
                        <NumberInput min={0} precision={2} />
                      </Form.Item>
                    ) : null}
                    <Button type="link" style={{ alignSelf: 'center' }} onClick={() => remove(f.name)}>
                      {t('common.remove')}
                    </Button>
                  </div>
                ))}
                <Button
                  disabled={items.length >= ways.length}
                  style={{ marginBottom: 16 }}
                  onClick={() =>
                    add({
                      on: ways.find((w) => !(values.earn ?? []).some((e) => e?.on === w)),
                      points: 1,
                      pending_days: 0,
                      cap_per_day: 0,
                      cap_per_month: 0,
                      min_yuan: 0,
                    })
                  }
                >
                  {t('rules.addEarn')}
                </Button>
              </>
            )}
          </Form.List>
          <div style={{ display: 'flex', gap: 12, flexWrap: 'wrap' }}>
            <Form.Item name={['expiry', 'kind']} label={t('rules.expiry')}>
              <Select
                style={{ width: 240 }}
                options={['never', 'months', 'days', 'year_end'].map((k) => ({
                  value: k,
                  label: t(`rules.expiries.${k}`),
                }))}
              />
            </Form.Item>
            {values.expiry?.kind !== 'never' ? (
              <Form.Item name={['expiry', 'n']} label={t('rules.expiryN')}>
                <NumberInput min={0} max={3650} />
              </Form.Item>
            ) : null}
            <Form.Item name="approve_above" label={t('rules.approveAbove')}>
              <NumberInput min={0} />
            </Form.Item>
          </div>
          <DryRun brand={brand} version={rules.version} values={values as Values} />
        </>
      )}
    </FormDrawer>
  );
}

function bodyOf(v: Values, version: number, dry: boolean) {
  return {
    version,
    earn: (v.earn ?? [])
      .filter(Boolean)
      .map(({ min_yuan, ...e }) => ({ ...e, min_amount_fen: Math.round((min_yuan ?? 0) * 100) })),
    expiry: { kind: v.expiry?.kind ?? 'never', n: v.expiry?.n ?? 0 },
    approve_above: v.approve_above ?? 0,
    dry_run: dry,
    reason: '',
  };
}

/** DryRun shows the worst case of what is typed in, half a second after the last key; it
 * saves nothing. */
function DryRun({ brand, version, values }: { brand: string; version: number; values: Values }) {
  const { t } = useTranslation('members');
  const { mutate, data, error } = useWrite('put', '/brands/{id}/points-rules', { quiet: true });
  const input = values.expiry ? JSON.stringify(bodyOf(values, version, true)) : '';
  useEffect(() => {
    if (!input) return;
    const wait = setTimeout(() => mutate({ params: { path: { id: brand } }, body: JSON.parse(input) }), 500);
    return () => clearTimeout(wait);
  }, [input, brand, mutate]);
  return (
    <Section title={t('rules.dryRun')}>
      {error ? (
        <FaultAlert fault={error} />
      ) : data ? (
        <PreviewOf preview={data.preview} />
      ) : (
        <span className="muted">{t('rules.first')}</span>
      )}
    </Section>
  );
}
