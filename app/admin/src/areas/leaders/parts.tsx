// What the pages of this area share: people by name, tabs in the address, acts that ask
// first, and forms of a brand's rules.
import { Button, Form, Input, Select, Switch, Tag } from 'antd';
import { type ReactElement, type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { type PathOf, type Send, useGet, useWrite } from '@/api';
import { ApiError, errorText } from '@/api/error';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { spoken } from '@/i18n/server';
import {
  Broken,
  Danger,
  type DangerProps,
  FaultAlert,
  MoneyInput,
  NumberInput,
  Section,
  Time,
  Trail,
  useFilled,
  useUndo,
  Waiting,
} from '@/ui';

/** useWords are the words of one kind of state, by state. */
export function useWords(key: string): Record<string, string> {
  const { t } = useTranslation('leaders');
  return t(key, { returnObjects: true }) as unknown as Record<string, string>;
}

export function useOptions(key: string): { value: string; label: string }[] {
  return Object.entries(useWords(key)).map(([value, label]) => ({ value, label }));
}

export type Who = { name: string; role: string; state: string };

/** Person is somebody by the name he is shown under, with what he is for the brand. */
export function Person({ who, id }: { who: Who; id?: string | null }) {
  const can = useCan();
  const roles = useWords('role');
  return (
    <span style={{ whiteSpace: 'nowrap' }}>
      {id && can('member:read') ? <Link to={`/members/${id}`}>{spoken(who.name)}</Link> : spoken(who.name)}
      {who.role ? <Tag style={{ marginInlineStart: 6, marginInlineEnd: 0 }}>{roles[who.role] ?? who.role}</Tag> : null}
    </span>
  );
}

export { Tabs } from '@/ui';

type Verb = 'post' | 'put' | 'delete';

/** Act is a write that asks first. `body` makes what is sent; without it the reason is. */
export function Act<M extends Verb>({
  method,
  path,
  id,
  body,
  invalidate,
  done,
  onDone,
  undo,
  ...ask
}: Omit<DangerProps, 'onConfirm'> & {
  method: M;
  path: PathOf<M>;
  id?: string | null;
  body?: (values: { reason: string } & Record<string, unknown>) => object;
  invalidate?: readonly string[];
  done?: string;
  onDone?: (data: unknown) => void;
  /** The way back, offered beside `done`. */
  undo?: (send: Send, why: string) => Promise<unknown>;
}) {
  const offer = useUndo();
  const write = useWrite(method, path, {
    invalidate,
    done: undo ? undefined : done,
    quiet: true,
    onDone: (data) => {
      if (undo) offer(done ?? '', undo);
      onDone?.(data);
    },
  });
  return (
    <Danger
      {...ask}
      onConfirm={(values, seen) =>
        write.mutateAsync({
          seen,
          ...(id ? { params: { path: { id } } } : {}),
          ...(method === 'delete' ? {} : { body: body ? body(values) : { reason: values.reason } }),
        } as never)
      }
    />
  );
}

export type Rule = {
  name: string;
  label: string;
  kind: 'number' | 'money' | 'select' | 'switch' | 'text';
  options?: readonly { value: string; label: string }[];
  min?: number;
  max?: number;
  unit?: string;
  help?: ReactNode;
  required?: boolean;
  /** Shown only where the others say so. */
  when?: (values: Record<string, unknown>) => boolean;
};

/** RuleField is one input of a form of rules. */
export function RuleField({ rule, disabled }: { rule: Rule; disabled?: boolean }) {
  const { t } = useTranslation('leaders');
  const input: Record<Rule['kind'], ReactElement> = {
    number: (
      <NumberInput disabled={disabled} min={rule.min} max={rule.max} suffix={rule.unit} style={{ width: '100%' }} />
    ),
    money: <MoneyInput disabled={disabled} />,
    select: <Select disabled={disabled} options={rule.options as { value: string; label: string }[]} />,
    switch: <Switch disabled={disabled} />,
    text: <Input disabled={disabled} maxLength={rule.max} />,
  };
  return (
    <Form.Item
      name={rule.name}
      label={rule.label}
      extra={rule.help}
      valuePropName={rule.kind === 'switch' ? 'checked' : 'value'}
      rules={[{ required: rule.required ?? rule.kind !== 'switch', message: t('form.needed') }]}
    >
      {input[rule.kind]}
    </Form.Item>
  );
}

/** BrandRules reads and saves one set of a brand's rules. Who may not save reads only. */
export function BrandRules({
  path,
  permission,
  title,
  about,
  rules,
  object,
  withReason,
}: {
  path: PathOf<'get'> & PathOf<'put'>;
  permission: string;
  title: string;
  about?: ReactNode;
  rules: readonly Rule[];
  /** Of the audit log. */
  object: string;
  withReason?: boolean;
}) {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const may = useCan()(permission);
  const found = useGet(path, { params: { path: { id: brand } } as never, enabled: Boolean(brand) });
  const save = useWrite('put', path, { invalidate: [path], quiet: true });
  const offer = useUndo();
  const [form] = Form.useForm<Record<string, unknown>>();
  const values = (Form.useWatch([], form) ?? {}) as Record<string, unknown>;
  const [fault, setFault] = useState<unknown>(null);
  const data = found.data as Record<string, unknown> | undefined;
  const filled = useFilled(form, { data, seen: found.dataUpdatedAt, of: brand }, (d) => d);
  if (found.error && !data) return <Broken error={found.error} again={() => void found.refetch()} />;
  if (!data) return <Waiting />;
  const submit = async (v: Record<string, unknown>) => {
    const read = filled.now();
    if (!read) return;
    setFault(null);
    const { reason, ...rest } = v;
    const old = read.data;
    const seen = read.seen;
    const known = Object.fromEntries(rules.map((r) => [r.name, rest[r.name] ?? old[r.name]]));
    const version = old.version as number | undefined;
    const sent = (values: object, read: number | undefined, why: unknown) =>
      ({
        params: { path: { id: brand } },
        body: { ...values, ...(read === undefined ? {} : { version: read }), ...(withReason ? { reason: why } : {}) },
        seen,
      }) as never;
    try {
      const saved = await filled.save(async () => {
        const answer = (await save.mutateAsync(sent(known, version, reason))) as { version?: number };
        form.setFieldValue('reason', '');
        return answer;
      });
      const before = Object.fromEntries(rules.map((r) => [r.name, old[r.name]]));
      offer(t('done.saved'), (send, why) => send('put', path, sent(before, saved.version, why), [path]));
    } catch (error) {
      setFault(error);
      if (!(error instanceof ApiError)) throw error;
      if (error.field && rules.some((r) => r.name === error.field)) {
        form.setFields([{ name: error.field, errors: [errorText(error)] }]);
      }
    }
  };
  const changed = (data.updated_at ?? data.changed_at ?? data.created_at) as string | null | undefined;
  return (
    <>
      <Section
        title={title}
        extra={
          changed ? (
            <span className="muted">
              {t('rulesForm.changed')} <Time at={changed} />
            </span>
          ) : (
            <span className="muted">{t('rulesForm.defaults')}</span>
          )
        }
      >
        {about ? <p className="muted">{about}</p> : null}
        <FaultAlert
          fault={fault}
          again={() => {
            setFault(null);
            filled.again();
          }}
        />
        <Form form={form} layout="vertical" style={{ maxWidth: 560 }} onFinish={(v) => void submit(v)}>
          {rules
            .filter((r) => !r.when || r.when(values))
            .map((r) => (
              <RuleField key={r.name} rule={r} disabled={!may} />
            ))}
          {may && withReason ? (
            <Form.Item name="reason" label={t('form.reason')} rules={[{ required: true, message: t('form.needed') }]}>
              <Input maxLength={200} />
            </Form.Item>
          ) : null}
          {may ? (
            <Button type="primary" htmlType="submit" loading={save.isPending}>
              {t('form.save')}
            </Button>
          ) : null}
        </Form>
      </Section>
      <Trail object={object} id={brand} />
    </>
  );
}

type Figure = {
  metric: string;
  title: string;
  days: number;
  at_least: number;
  value: number;
  of: number;
  met: boolean;
};

/** percent writes basis points: 3050 is 30.5%. */
export function percent(bp: number): string {
  return `${Number((bp / 100).toFixed(2))}%`;
}

export function metricText(metric: string, n: number): string {
  return metric === 'retention_bp' ? percent(n) : String(n);
}

/** Figures are conditions with what somebody has reached. */
export function Figures({ items }: { items: readonly Figure[] | null | undefined }) {
  const { t } = useTranslation('leaders');
  if (!items?.length) return <span className="muted">{t('figures.none')}</span>;
  return (
    <ul
      className="cards"
      aria-label={t('figures.label')}
      style={{ gridTemplateColumns: 'repeat(auto-fill, minmax(220px, 1fr))' }}
    >
      {items.map((x) => (
        <li key={`${x.metric}${x.days}${x.at_least}`} className="card">
          <div className="muted">
            {x.title}
            {x.days ? ` · ${t('figures.days', { n: x.days })}` : ''}
          </div>
          <div className="nums" style={{ fontSize: 18, fontWeight: 600 }}>
            {metricText(x.metric, x.value)}
            <span className="muted" style={{ fontSize: 13, fontWeight: 400 }}>
              {' / '}
              {t('figures.atLeast', { n: metricText(x.metric, x.at_least) })}
              {x.metric === 'retention_bp' || x.metric === 'group_health' ? ` · ${t('figures.of', { n: x.of })}` : ''}
            </span>
          </div>
          <span className={`state state-${x.met ? 'green' : 'grey'}`}>
            {t(x.met ? 'figures.met' : 'figures.notMet')}
          </span>
        </li>
      ))}
    </ul>
  );
}
