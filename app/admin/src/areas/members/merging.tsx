import { Alert, Button, Form, Input, InputNumber, Select, Switch, Tabs } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { type Row, useGet, useWrite } from '@/api';
import { useCan } from '@/app/session';
import { Broken, Can, Danger, DataTable, FormDrawer, Page, Section, StateTag, Table, Time, Waiting } from '@/ui';
import { KeyTags, MemberLink } from './parts';

type Review = Row<'/identity/reviews'>;
type Merge = Row<'/identity/merges'>;
type Blocked = Row<'/identity/blocked-keys'>;

/** Merging: who may be one person, who was joined, and keys that join nobody. */
export function Component() {
  const { t } = useTranslation('members');
  const [search, setSearch] = useSearchParams();
  const may = useCan();
  const tabs = [
    { key: 'reviews', content: <Reviews /> },
    { key: 'merges', content: <Merges /> },
    { key: 'blocked', content: <BlockedKeys /> },
    { key: 'kinds', content: <Kinds /> },
  ];
  const tab = tabs.some((x) => x.key === search.get('tab')) ? (search.get('tab') ?? '') : 'reviews';
  return (
    <Page
      title={t('menu.merging')}
      about={t('merging.about')}
      watermark
      actions={may('identity:merge') ? <MergeByHand /> : null}
    >
      <Tabs
        activeKey={tab}
        destroyOnHidden
        onChange={(key) => {
          const next = new URLSearchParams({ tab: key });
          const b = search.get('brand');
          if (b) next.set('brand', b);
          setSearch(next, { replace: true });
        }}
        items={tabs.map((x) => ({ key: x.key, label: t(`merging.tab.${x.key}`), children: x.content }))}
      />
    </Page>
  );
}

function Reviews() {
  const { t } = useTranslation('members');
  const merge = useWrite('post', '/identity/reviews/{id}/merge', {
    invalidate: ['/identity', '/members'],
    done: t('merging.joined'),
    quiet: true,
  });
  const refuse = useWrite('post', '/identity/reviews/{id}/refuse', {
    invalidate: ['/identity', '/members'],
    done: t('merging.kept'),
    quiet: true,
  });
  const labels = { open: t('merging.open'), merged: t('merging.merged'), refused: t('merging.refused') };
  return (
    <DataTable
      id="reviews"
      path="/identity/reviews"
      params={{ query: { total: '1' } as object }}
      filters={[
        {
          name: 'state',
          label: t('list.state'),
          kind: 'select',
          options: Object.entries(labels).map(([value, label]) => ({ value, label })),
        },
      ]}
      columns={[
        { key: 'low', title: t('merging.one'), render: (r: Review) => <MemberLink id={r.low.id} /> },
        { key: 'high', title: t('merging.other'), render: (r: Review) => <MemberLink id={r.high.id} /> },
        { key: 'rule', title: t('merging.rule'), render: (r: Review) => r.rule_text },
        {
          key: 'confidence',
          title: t('merging.confidence'),
          align: 'right',
          render: (r: Review) => `${r.confidence}%`,
        },
        {
          key: 'state',
          title: t('list.state'),
          render: (r: Review) => (
            <StateTag state={r.state} labels={labels} tone={r.state === 'open' ? 'orange' : undefined} />
          ),
        },
        { key: 'at', title: t('merging.found'), render: (r: Review) => <Time at={r.created_at} /> },
      ]}
      expand={(r: Review) => <Sides review={r} />}
      actions={(r: Review) =>
        r.state === 'open' ? (
          <Can do="identity:merge">
            <Danger
              trigger={
                <Button size="small" type="primary">
                  {t('merging.same')}
                </Button>
              }
              title={t('merging.sameTitle')}
              consequence={
                <>
                  <p style={{ marginTop: 0 }}>{t('merging.sameText')}</p>
                  <Sides review={r} />
                </>
              }
              danger={false}
              confirm={t('merging.same')}
              reason
              onConfirm={({ reason }) => merge.mutateAsync({ params: { path: { id: r.id ?? '' } }, body: { reason } })}
            />
            <Danger
              trigger={<Button size="small">{t('merging.different')}</Button>}
              title={t('merging.differentTitle')}
              consequence={
                <>
                  <p style={{ marginTop: 0 }}>{t('merging.differentText')}</p>
                  <Sides review={r} />
                </>
              }
              danger={false}
              confirm={t('merging.different')}
              reason
              onConfirm={({ reason }) => refuse.mutateAsync({ params: { path: { id: r.id ?? '' } }, body: { reason } })}
            />
          </Can>
        ) : null
      }
      empty={{
        title: t('merging.noReviews'),
        text: t('merging.noReviewsText'),
        example: t('merging.noReviewsExample'),
      }}
    />
  );
}

/** Sides are the two people of a case beside each other, with what names both. */
function Sides({ review: r }: { review: Review }) {
  const { t } = useTranslation('members');
  return (
    <div>
      <p className="muted" style={{ margin: '0 0 8px' }}>
        {r.shown ? t('merging.namesBoth', { title: r.title, shown: r.shown }) : r.rule_text}
        {r.note ? ` · ${r.note}` : ''}
        {r.reason ? ` · ${t('merging.decidedBecause', { reason: r.reason })}` : ''}
      </p>
      <div style={{ display: 'grid', gridTemplateColumns: 'repeat(auto-fit, minmax(220px, 1fr))', gap: 12 }}>
        {[r.low, r.high].map((side, i) => (
          <div key={side.person_id} className="section" style={{ margin: 0 }}>
            <div style={{ display: 'flex', justifyContent: 'space-between', gap: 8, marginBottom: 8 }}>
              <strong>{t(i === 0 ? 'merging.one' : 'merging.other')}</strong>
              <MemberLink id={side.id} />
            </div>
            <KeyTags keys={side.keys} />
            <div className="muted" style={{ marginTop: 8 }}>
              {side.created_at ? (
                <>
                  {t('list.joined')} <Time at={side.created_at} />
                </>
              ) : (
                t('merging.fileOnly')
              )}
            </div>
          </div>
        ))}
      </div>
    </div>
  );
}

function Merges() {
  const { t } = useTranslation('members');
  const undo = useWrite('post', '/identity/merges/{id}/undo', {
    invalidate: ['/identity', '/members'],
    done: t('merging.undoneDone'),
    quiet: true,
  });
  const labels = { merged: t('merging.merged'), undone: t('merging.undone') };
  return (
    <DataTable
      id="merges"
      path="/identity/merges"
      params={{ query: { total: '1' } as object }}
      filters={[
        {
          name: 'state',
          label: t('list.state'),
          kind: 'select',
          options: Object.entries(labels).map(([value, label]) => ({ value, label })),
        },
      ]}
      columns={[
        { key: 'one', title: t('merging.one'), render: (m: Merge) => <MemberLink id={m.member_id} /> },
        { key: 'other', title: t('merging.other'), render: (m: Merge) => <MemberLink id={m.other_member_id} /> },
        { key: 'rule', title: t('merging.rule'), render: (m: Merge) => m.rule_text },
        { key: 'by', title: t('merging.by'), render: (m: Merge) => m.shown || '—' },
        { key: 'confidence', title: t('merging.confidence'), align: 'right', render: (m: Merge) => `${m.confidence}%` },
        {
          key: 'state',
          title: t('list.state'),
          render: (m: Merge) => (
            <StateTag state={m.state} labels={labels} tone={m.state === 'merged' ? 'green' : 'grey'} />
          ),
        },
        { key: 'reason', title: t('points.reason'), render: (m: Merge) => m.reason || m.note || '—' },
        { key: 'at', title: t('identity.at'), render: (m: Merge) => <Time at={m.created_at} /> },
      ]}
      actions={(m: Merge) =>
        m.state === 'merged' ? (
          <Can do="identity:merge">
            <Danger
              trigger={
                <Button size="small" type="link">
                  {t('merging.undo')}
                </Button>
              }
              title={t('merging.undoTitle')}
              consequence={t('merging.undoText')}
              reason
              onConfirm={({ reason }) => undo.mutateAsync({ params: { path: { id: m.id ?? '' } }, body: { reason } })}
            />
          </Can>
        ) : null
      }
      empty={{ title: t('merging.noMerges'), text: t('merging.noMergesText') }}
    />
  );
}

function MergeByHand() {
  const { t } = useTranslation('members');
  const [open, setOpen] = useState(false);
  const merge = useWrite('post', '/identity/merges', {
    invalidate: ['/identity', '/members'],
    done: t('merging.joined'),
    quiet: true,
  });
  return (
    <>
      <Button onClick={() => setOpen(true)}>{t('merging.byHand')}</Button>
      <FormDrawer<{ member_id: string; other_member_id: string; reason: string }>
        title={t('merging.byHand')}
        open={open}
        onClose={() => setOpen(false)}
        submit={t('merging.same')}
        onSubmit={(v) => merge.mutateAsync({ body: v })}
      >
        <Alert type="info" showIcon style={{ marginBottom: 16 }} title={t('merging.sameText')} />
        {(['member_id', 'other_member_id'] as const).map((name, i) => (
          <Form.Item
            key={name}
            name={name}
            label={`${t(i === 0 ? 'merging.one' : 'merging.other')} · ${t('list.number')}`}
            rules={[{ required: true, pattern: /^\d+$/, message: t('merging.numberNeeded') }]}
          >
            <Input inputMode="numeric" />
          </Form.Item>
        ))}
        <Form.Item
          name="reason"
          label={t('points.reason')}
          rules={[{ required: true, whitespace: true, message: t('points.reasonNeeded') }]}
        >
          <Input.TextArea rows={3} maxLength={200} showCount />
        </Form.Item>
      </FormDrawer>
    </>
  );
}

function BlockedKeys() {
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
          { key: 'key', title: t('identity.key'), render: (b: Blocked) => `${b.title} ${b.shown}` },
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
          <Select options={(kinds.data ?? []).map((k) => ({ value: k.kind, label: k.title }))} />
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

function Kinds() {
  const { t } = useTranslation('members');
  const may = useCan();
  const { data, error, refetch } = useGet('/identity/kinds');
  const [editing, setEditing] = useState<Partial<KindForm> | null>(null);
  const [old, setOld] = useState<{ builtIn: boolean } | null>(null);
  const create = useWrite('post', '/identity/kinds', {
    invalidate: ['/identity'],
    done: t('kinds.saved'),
    quiet: true,
  });
  const update = useWrite('put', '/identity/kinds', { invalidate: ['/identity'], done: t('kinds.saved'), quiet: true });
  if (error) return <Broken error={error} again={() => void refetch()} />;
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
          { key: 'title', title: t('kinds.title'), render: (k) => k.title },
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
        onSubmit={(v) => (old ? update : create).mutateAsync({ body: { ...editing, ...v } as KindForm })}
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
          <InputNumber min={1} max={100} precision={0} />
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
