import { Button, Form, Input, Select, Switch } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Row, useGet, useWrite } from '@/api';
import { useCan } from '@/app/session';
import { spoken } from '@/i18n/server';
import { Broken, Danger, DataTable, FormDrawer, NumberInput, Section, Table, Time, Waiting } from '@/ui';

type Blocked = Row<'/identity/blocked-keys'>;

export function BlockedKeys() {
  const { t } = useTranslation('members');
  const may = useCan();
  const [open, setOpen] = useState(false);
  const kinds = useGet('/identity/kinds');
  const add = useWrite('post', '/identity/blocked-keys', {
    invalidate: ['/identity'],
    done: t('blocked.added'),
    quiet: true,
  });
  const remove = useWrite('delete', '/identity/blocked-keys/{id}', {
    invalidate: ['/identity'],
    done: t('blocked.removed'),
    quiet: true,
  });
  const button = may('identity:write') ? (
    <Button type="primary" onClick={() => setOpen(true)}>
      {t('blocked.add')}
    </Button>
  ) : null;
  return (
    <>
      <DataTable
        id="blocked-keys"
        path="/identity/blocked-keys"
        params={{ query: { total: '1' } as object }}
        toolbar={button}
        columns={[
          { key: 'key', title: t('identity.key'), render: (b: Blocked) => `${spoken(b.title)} ${spoken(b.shown)}` },
          { key: 'reason', title: t('points.reason'), render: (b: Blocked) => b.reason },
          {
            key: 'by',
            title: t('blocked.by'),
            render: (b: Blocked) => (b.made_by ? t('blocked.operator') : t('blocked.program')),
          },
          { key: 'at', title: t('identity.at'), render: (b: Blocked) => <Time at={b.created_at} /> },
        ]}
        actions={
          may('identity:write')
            ? (b: Blocked) => (
                <Danger
                  trigger={
                    <Button type="link" size="small">
                      {t('blocked.remove')}
                    </Button>
                  }
                  title={t('blocked.removeTitle')}
                  consequence={t('blocked.removeText')}
                  onConfirm={() => remove.mutateAsync({ params: { path: { id: b.id ?? '' } } })}
                />
              )
            : undefined
        }
        empty={{
          title: t('blocked.none'),
          text: t('blocked.noneText'),
          example: t('blocked.noneExample'),
          action: button ?? undefined,
        }}
      />
      <FormDrawer<{ kind: string; scope?: string; key: string; reason: string }>
        title={t('blocked.add')}
        open={open}
        onClose={() => setOpen(false)}
        initial={{ kind: 'phone', scope: '' }}
        onSubmit={(v) => add.mutateAsync({ body: { ...v, scope: v.scope ?? '' } })}
      >
        <Form.Item name="kind" label={t('blocked.kind')} rules={[{ required: true }]}>
          <Select options={(kinds.data ?? []).map((k) => ({ value: k.kind, label: spoken(k.title) }))} />
        </Form.Item>
        <Form.Item name="scope" label={t('blocked.scope')} extra={t('blocked.scopeHint')}>
          <Input />
        </Form.Item>
        <Form.Item
          name="key"
          label={t('identity.key')}
          rules={[{ required: true, whitespace: true, message: t('blocked.keyNeeded') }]}
        >
          <Input autoComplete="off" />
        </Form.Item>
        <Form.Item
          name="reason"
          label={t('points.reason')}
          rules={[{ required: true, whitespace: true, message: t('points.reasonNeeded') }]}
        >
          <Input.TextArea rows={2} maxLength={200} showCount />
        </Form.Item>
      </FormDrawer>
    </>
  );
}

type KindForm = { kind: string; title: string; strong: boolean; most: number; scope_rule: string };

export function Kinds() {
  const { t } = useTranslation('members');
  const may = useCan();
  const { data, dataUpdatedAt, error, refetch } = useGet('/identity/kinds');
  const [editing, setEditing] = useState<Partial<KindForm> | null>(null);
  const [old, setOld] = useState<{ builtIn: boolean } | null>(null);
  const create = useWrite('post', '/identity/kinds', {
    invalidate: ['/identity'],
    done: t('kinds.saved'),
    quiet: true,
  });
  const update = useWrite('put', '/identity/kinds', { invalidate: ['/identity'], done: t('kinds.saved'), quiet: true });
  if (error && !data) return <Broken error={error} again={() => void refetch()} />;
  if (!data) return <Waiting />;
  return (
    <Section
      title={t('merging.tab.kinds')}
      extra={
        may('identity:write') ? (
          <Button
            type="primary"
            onClick={() => {
              setOld(null);
              setEditing({ strong: false, most: 1, scope_rule: 'none' });
            }}
          >
            {t('kinds.add')}
          </Button>
        ) : null
      }
    >
      <Table
        rows={data}
        rowKey={(k) => k.kind}
        label={t('merging.tab.kinds')}
        columns={[
          { key: 'title', title: t('kinds.title'), render: (k) => spoken(k.title) },
          { key: 'kind', title: t('kinds.kind'), render: (k) => <code>{k.kind}</code> },
          {
            key: 'strong',
            title: t('kinds.strong'),
            about: t('kinds.strongAbout'),
            render: (k) => (k.strong ? t('identity.strong') : t('identity.weak')),
          },
          { key: 'most', title: t('kinds.most'), align: 'right', render: (k) => k.most },
          {
            key: 'scope',
            title: t('kinds.scope'),
            render: (k) => t(`kinds.scopes.${k.scope_rule}`, { defaultValue: k.scope_rule }),
          },
          { key: 'built', title: t('kinds.origin'), render: (k) => (k.built_in ? t('kinds.builtIn') : t('kinds.own')) },
        ]}
        actions={
          may('identity:write')
            ? (k) => (
                <Button
                  type="link"
                  size="small"
                  onClick={() => {
                    setOld({ builtIn: k.built_in });
                    setEditing({
                      kind: k.kind,
                      title: k.title,
                      strong: k.strong,
                      most: k.most,
                      scope_rule: k.scope_rule,
                    });
                  }}
                >
                  {t('common.edit')}
                </Button>
              )
            : undefined
        }
      />
      <FormDrawer<KindForm>
        title={old ? t('kinds.edit') : t('kinds.add')}
        open={editing !== null}
        onClose={() => setEditing(null)}
        initial={editing ?? {}}
        seen={dataUpdatedAt}
        onSubmit={(v, seen) => {
          const body = { ...editing, ...v } as KindForm;
          return old ? update.mutateAsync({ body, seen }) : create.mutateAsync({ body });
        }}
      >
        <Form.Item
          name="kind"
          label={t('kinds.kind')}
          extra={t('kinds.kindHint')}
          rules={[{ required: true, pattern: /^[a-z][a-z0-9_]{1,15}$/, message: t('kinds.kindHint') }]}
        >
          <Input disabled={old !== null} />
        </Form.Item>
        <Form.Item
          name="title"
          label={t('kinds.title')}
          rules={[{ required: true, whitespace: true, message: t('kinds.titleNeeded') }]}
        >
          <Input maxLength={20} disabled={old?.builtIn} />
        </Form.Item>
        <Form.Item name="most" label={t('kinds.most')} extra={t('kinds.mostHint')} rules={[{ required: true }]}>
          <NumberInput min={1} max={100} />
        </Form.Item>
        <Form.Item name="strong" label={t('kinds.strong')} extra={t('kinds.strongAbout')} valuePropName="checked">
          <Switch disabled={old?.builtIn} />
        </Form.Item>
        <Form.Item name="scope_rule" label={t('kinds.scope')}>
          <Select
            disabled={old !== null}
            options={['none', 'app', 'corp', 'source'].map((s) => ({ value: s, label: t(`kinds.scopes.${s}`) }))}
          />
        </Form.Item>
      </FormDrawer>
    </Section>
  );
}
