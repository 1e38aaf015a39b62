import { Button, Form, Input, Select, Switch, Tag } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Data, useGet, useWrite } from '@/api';
import { useCan } from '@/app/session';
import { spoken } from '@/i18n/server';
import { Broken, Empty, FormDrawer, formatCount, NumberInput, Section, Table, Trail, useOpened, Waiting } from '@/ui';

type TierTable = Data<'get', '/brands/{id}/tiers'>;
type Level = NonNullable<TierTable['levels']>[number];
type Values = {
  levels: (Omit<Level, 'multiplier_bp'> & { times: number })[];
  grow: NonNullable<TierTable['grow']>;
  period_months: number;
  down: string;
};
const ways = ['claim', 'order', 'review'] as const;

/** Levels of a brand: what reaches and keeps them, what they give, how many people have
 * each of them. */
export function Tiers({ brand }: { brand: string }) {
  const { t } = useTranslation('members');
  const may = useCan();
  const {
    data: table,
    dataUpdatedAt,
    error,
    refetch,
  } = useGet('/brands/{id}/tiers', { params: { path: { id: brand } } });
  const shares = useGet('/tiers/preview', {
    params: { query: { brand_id: brand } },
    enabled: (table?.levels ?? []).length > 0,
  });
  const [open, setOpen] = useState(false);
  if (error && !table) return <Broken error={error} again={() => void refetch()} />;
  if (!table) return <Waiting />;
  const levels = table.levels ?? [];
  const button = may('tier:write') ? (
    <Button type="primary" onClick={() => setOpen(true)}>
      {levels.length ? t('common.edit') : t('tiers.create')}
    </Button>
  ) : null;
  return (
    <>
      <Section title={t('tiers.levels')} extra={levels.length ? button : null}>
        {levels.length === 0 ? (
          <Empty title={t('tiers.none')} text={t('tiers.noneText')} example={t('tiers.noneExample')} action={button} />
        ) : (
          <Table
            rows={levels.map((l) => ({ ...l, id: l.name }))}
            label={t('tiers.levels')}
            columns={[
              { key: 'name', title: t('tiers.name'), render: (l) => l.name },
              {
                key: 'threshold',
                title: t('tiers.threshold'),
                align: 'right',
                render: (l) => formatCount(l.threshold),
              },
              {
                key: 'keep',
                title: t('tiers.keep'),
                align: 'right',
                render: (l) => (l.keep ? formatCount(l.keep) : '—'),
              },
              {
                key: 'times',
                title: t('tiers.times'),
                align: 'right',
                render: (l) => `${(l.multiplier_bp / 10000).toFixed(1)}×`,
              },
              { key: 'birthday', title: t('tiers.birthday'), align: 'right', render: (l) => l.birthday_points || '—' },
              {
                key: 'perks',
                title: t('tier.perks'),
                render: (l) => (l.perks ?? []).map((p) => <Tag key={p}>{spoken(p)}</Tag>),
              },
              {
                key: 'members',
                title: t('tiers.members'),
                align: 'right',
                render: (l) => {
                  const s = shares.data?.find((x) => x.name === l.name);
                  return s ? formatCount(s.members) : '…';
                },
              },
            ]}
          />
        )}
      </Section>
      {levels.length > 0 ? (
        <Section title={t('tiers.grow')}>
          <Table
            rows={(table.grow ?? []).map((g) => ({ ...g, id: g.on }))}
            label={t('tiers.grow')}
            columns={[
              { key: 'on', title: t('rules.on'), render: (g) => t(`rules.way.${g.on}`, { defaultValue: g.on }) },
              {
                key: 'growth',
                title: t('tier.growth'),
                align: 'right',
                render: (g) => (g.on === 'order' ? t('tiers.perYuan', { n: g.growth }) : formatCount(g.growth)),
              },
              {
                key: 'cap',
                title: t('rules.capDay'),
                align: 'right',
                render: (g) => (g.cap_per_day ? formatCount(g.cap_per_day) : t('rules.noCap')),
              },
            ]}
          />
          <p>
            {table.period_months ? t('tiers.period', { n: table.period_months }) : t('tiers.forever')}{' '}
            {t(`tiers.downs.${table.down || 'one'}`)}
          </p>
        </Section>
      ) : null}
      <Trail object="tier" id={brand} />
      <Edit brand={brand} table={table} seen={dataUpdatedAt} open={open} onClose={() => setOpen(false)} />
    </>
  );
}

function Edit({
  brand,
  table: now,
  seen,
  open,
  onClose,
}: {
  brand: string;
  table: TierTable;
  seen: number;
  open: boolean;
  onClose: () => void;
}) {
  const { t } = useTranslation('members');
  const save = useWrite('put', '/brands/{id}/tiers', {
    invalidate: ['/brands', '/tiers', '/members'],
    done: t('tiers.saved'),
    quiet: true,
  });
  const table = useOpened(open, now);
  const fresh = { name: '', threshold: 0, keep: 0, times: 1, birthday_points: 0, campaigns: false, perks: [] };
  return (
    <FormDrawer<Values>
      title={t('tiers.edit')}
      open={open}
      onClose={onClose}
      width={820}
      initial={{
        levels: (table.levels ?? []).length
          ? (table.levels ?? []).map((l) => ({ ...l, times: l.multiplier_bp / 10000 }))
          : [{ ...fresh, name: t('tiers.first') }],
        grow: (table.grow ?? []).length ? (table.grow ?? []) : [{ on: 'claim', growth: 10, cap_per_day: 100 }],
        period_months: table.version ? table.period_months : 12,
        down: table.down || 'one',
      }}
      seen={seen}
      onSubmit={(v, seen) =>
        save.mutateAsync({
          params: { path: { id: brand } },
          seen,
          body: {
            version: table.version,
            levels: v.levels.map(({ times, ...l }) => ({
              ...l,
              perks: l.perks ?? [],
              multiplier_bp: Math.round(times * 10000),
            })),
            grow: v.grow,
            period_months: v.period_months,
            down: v.down,
            reason: '',
          },
        })
      }
    >
      {(_, values) => (
        <>
          <h3>{t('tiers.levels')}</h3>
          <Form.List name="levels">
            {(items, { add, remove }) => (
              <>
                {items.map((f, i) => (
                  <div key={f.key} className="section" style={{ display: 'flex', flexWrap: 'wrap', gap: 12 }}>
                    <Form.Item
                      name={[f.name, 'name']}
                      label={t('tiers.name')}
                      rules={[{ required: true, whitespace: true, message: t('kinds.titleNeeded') }]}
                    >
                      <Input maxLength={16} style={{ width: 120 }} />
                    </Form.Item>
                    <Form.Item name={[f.name, 'threshold']} label={t('tiers.threshold')}>
                      <NumberInput min={0} disabled={i === 0} />
                    </Form.Item>
                    <Form.Item name={[f.name, 'keep']} label={t('tiers.keep')}>
                      <NumberInput min={0} disabled={i === 0} />
                    </Form.Item>
                    <Form.Item name={[f.name, 'times']} label={t('tiers.times')}>
                      <NumberInput min={1} max={10} step={0.1} precision={2} />
                    </Form.Item>
                    <Form.Item name={[f.name, 'birthday_points']} label={t('tiers.birthday')}>
                      <NumberInput min={0} />
                    </Form.Item>
                    <Form.Item name={[f.name, 'campaigns']} label={t('tiers.campaigns')} valuePropName="checked">
                      <Switch />
                    </Form.Item>
                    <Form.Item name={[f.name, 'perks']} label={t('tier.perks')} style={{ flex: '1 1 240px' }}>
                      <Select mode="tags" open={false} tokenSeparators={['，', ',', '、']} />
                    </Form.Item>
                    {i > 0 ? (
                      <Button type="link" style={{ alignSelf: 'center' }} onClick={() => remove(f.name)}>
                        {t('common.remove')}
                      </Button>
                    ) : null}
                  </div>
                ))}
                <Button
                  style={{ marginBottom: 16 }}
                  onClick={() => add({ ...fresh, threshold: (values.levels?.at(-1)?.threshold ?? 0) + 100 })}
                >
                  {t('tiers.addLevel')}
                </Button>
              </>
            )}
          </Form.List>
          <Shares
            brand={brand}
            thresholds={(values.levels ?? []).map((l) => l?.threshold ?? 0)}
            months={values.period_months ?? 0}
            names={(values.levels ?? []).map((l) => l?.name ?? '')}
          />
          <h3>{t('tiers.grow')}</h3>
          <Form.List name="grow">
            {(items, { add, remove }) => (
              <>
                {items.map((f) => (
                  <div key={f.key} style={{ display: 'flex', flexWrap: 'wrap', gap: 12 }}>
                    <Form.Item name={[f.name, 'on']} label={t('rules.on')}>
                      <Select
                        style={{ width: 140 }}
                        options={ways.map((w) => ({ value: w, label: t(`rules.way.${w}`) }))}
                      />
                    </Form.Item>
                    <Form.Item
                      name={[f.name, 'growth']}
                      label={values.grow?.[f.name]?.on === 'order' ? t('tiers.growthPerYuan') : t('tier.growth')}
                    >
                      <NumberInput min={0} />
                    </Form.Item>
                    {values.grow?.[f.name]?.on !== 'order' ? (
                      <Form.Item name={[f.name, 'cap_per_day']} label={t('rules.capDay')}>
                        <NumberInput min={0} />
                      </Form.Item>
                    ) : null}
                    <Button type="link" style={{ marginTop: 30 }} onClick={() => remove(f.name)}>
                      {t('common.remove')}
                    </Button>
                  </div>
                ))}
                <Button
                  disabled={items.length >= ways.length}
                  style={{ marginBottom: 16 }}
                  onClick={() =>
                    add({
                      on: ways.find((w) => !(values.grow ?? []).some((g) => g?.on === w)),
                      growth: 1,
                      cap_per_day: 0,
                    })
                  }
                >
                  {t('tiers.addGrow')}
                </Button>
              </>
            )}
          </Form.List>
          <div style={{ display: 'flex', gap: 12, flexWrap: 'wrap' }}>
            <Form.Item name="period_months" label={t('tiers.periodLabel')} extra={t('tiers.periodHint')}>
              <NumberInput min={0} max={60} />
            </Form.Item>
            <Form.Item name="down" label={t('tiers.down')}>
              <Select
                style={{ width: 260 }}
                options={['one', 'fit'].map((d) => ({ value: d, label: t(`tiers.downs.${d}`) }))}
              />
            </Form.Item>
          </div>
        </>
      )}
    </FormDrawer>
  );
}

/** Shares counts who would have which level by the thresholds that are typed in. */
function Shares({
  brand,
  thresholds,
  months,
  names,
}: {
  brand: string;
  thresholds: number[];
  months: number;
  names: string[];
}) {
  const { t } = useTranslation('members');
  const typed = thresholds.join(',');
  const [asked, setAsked] = useState('');
  useEffect(() => {
    const wait = setTimeout(() => setAsked(typed), 600);
    return () => clearTimeout(wait);
  }, [typed]);
  const { data, isFetching } = useGet('/tiers/preview', {
    params: { query: { brand_id: brand, thresholds: asked, period_months: String(months) } },
    enabled: asked !== '',
    keep: true,
  });
  if (!asked) return null;
  return (
    <div className="section" aria-busy={isFetching}>
      <strong>{t('tiers.wouldBe')}</strong>{' '}
      {(data ?? []).map((s, i) => (
        <Tag key={s.name}>
          {names[i] || s.name} {formatCount(s.members)}
        </Tag>
      ))}
    </div>
  );
}
