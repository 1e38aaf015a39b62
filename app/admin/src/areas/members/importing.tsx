import { DownloadOutlined } from '@ant-design/icons';
import { Alert, Button, Form, Input, Modal, Select, Steps } from 'antd';
import { useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { addressOf, type Data, useGet, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import {
  Broken,
  Can,
  Danger,
  Detail,
  FaultAlert,
  formatCount,
  JobProgress,
  Page,
  Section,
  StatCards,
  StateTag,
  Table,
  Time,
  Trail,
  Waiting,
} from '@/ui';
import { useImportLabels } from './imports';

type Import = Data<'get', '/imports/{id}'>;

const busy = ['receiving', 'checking', 'running', 'undoing'];

/** One import: mapping with samples, dry run, run, errors, undo. */
export function Component() {
  const { t } = useTranslation('members');
  const { id = '' } = useParams();
  const labels = useImportLabels();
  const [moving, setMoving] = useState(true);
  const {
    data: i,
    error,
    refetch,
  } = useGet('/imports/{id}', { params: { path: { id } }, refetchInterval: moving ? 1500 : false });
  useEffect(() => setMoving(!i || busy.includes(i.state)), [i]);
  const trail = [{ title: t('menu.imports'), to: '/members/imports' }];
  if (error) {
    return (
      <Page title={t('menu.imports')} trail={trail}>
        <Broken error={error} again={() => void refetch()} />
      </Page>
    );
  }
  if (!i) return <Waiting />;
  const step = ['received'].includes(i.state)
    ? 0
    : ['checking', 'checked'].includes(i.state)
      ? 1
      : ['running', 'paused'].includes(i.state)
        ? 2
        : 3;
  return (
    <Page
      title={i.name}
      tab={i.name}
      trail={trail}
      watermark
      tag={
        <StateTag
          state={i.state}
          labels={labels}
          tone={i.state === 'checked' || i.state === 'received' ? 'blue' : undefined}
        />
      }
      actions={<Actions i={i} />}
    >
      <Section>
        <Steps
          size="small"
          responsive
          current={step}
          items={['map', 'check', 'run', 'end'].map((s) => ({ title: t(`imports.step.${s}`) }))}
          style={{ marginBottom: 16 }}
        />
        <Detail
          items={[
            { label: t('imports.file'), value: `${i.file_name}（${i.format}${i.encoding ? ` · ${i.encoding}` : ''}）` },
            { label: t('imports.source'), value: i.source },
            { label: t('identity.at'), value: <Time at={i.created_at} /> },
            i.started_at !== null && { label: t('imports.started'), value: <Time at={i.started_at} /> },
            i.finished_at !== null && { label: t('rights.finished'), value: <Time at={i.finished_at} /> },
          ]}
        />
        {i.error ? <Alert type="error" showIcon style={{ marginTop: 12 }} title={i.error} /> : null}
        {busy.includes(i.state) || i.state === 'paused' ? (
          <div style={{ marginTop: 12 }}>
            <JobProgress state={i.state === 'paused' ? 'paused' : 'running'} done={i.done_rows} total={i.total_rows} />
          </div>
        ) : null}
      </Section>
      {i.total_rows > 0 ? (
        <StatCards
          items={[
            { key: 'all', title: t('imports.rows'), value: formatCount(i.total_rows) },
            { key: 'new', title: t('imports.new'), value: formatCount(i.new_rows), about: t('imports.newAbout') },
            { key: 'old', title: t('imports.old'), value: formatCount(i.old_rows), about: t('imports.oldAbout') },
            {
              key: 'conflict',
              title: t('imports.conflict'),
              value: formatCount(i.conflict_rows),
              about: t('imports.conflictAbout'),
              tone: i.conflict_rows > 0 ? 'warn' : undefined,
              to: '/members/merging',
            },
            {
              key: 'bad',
              title: t('imports.bad'),
              value: formatCount(i.bad_rows),
              about: t('imports.badAbout'),
              tone: i.bad_rows > 0 ? 'bad' : undefined,
              note:
                i.bad_rows > 0 ? (
                  <a href={addressOf('/imports/{id}/errors', { path: { id } })} download>
                    <DownloadOutlined aria-hidden /> {t('imports.errors')}
                  </a>
                ) : undefined,
            },
          ]}
        />
      ) : null}
      {i.state === 'received' || i.state === 'checked' ? <MappingForm key={i.state} i={i} /> : null}
      <Sample i={i} />
      <Trail object="import" id={id} />
    </Page>
  );
}

function Actions({ i }: { i: Import }) {
  const { t } = useTranslation('members');
  const may = useCan();
  const params = { path: { id: i.id ?? '' } };
  const quiet = { invalidate: ['/imports'], quiet: true } as const;
  const run = useWrite('post', '/imports/{id}/run', { invalidate: ['/imports'], done: t('imports.running') });
  const pause = useWrite('post', '/imports/{id}/pause', { invalidate: ['/imports'], done: t('imports.paused') });
  const cancel = useWrite('post', '/imports/{id}/cancel', quiet);
  const undo = useWrite('post', '/imports/{id}/undo', quiet);
  return (
    <>
      <Can do="import:write">
        {i.state === 'checked' ? (
          <Danger
            trigger={<Button type="primary">{t('imports.run')}</Button>}
            title={t('imports.runTitle', { n: formatCount(i.total_rows - i.bad_rows) })}
            consequence={t('imports.runText', {
              new: formatCount(i.new_rows),
              old: formatCount(i.old_rows),
              conflict: formatCount(i.conflict_rows),
              bad: formatCount(i.bad_rows),
            })}
            danger={false}
            confirm={t('imports.run')}
            onConfirm={() => run.mutateAsync({ params })}
          />
        ) : null}
        {i.state === 'paused' ? (
          <Button type="primary" loading={run.isPending} onClick={() => run.mutate({ params })}>
            {t('imports.resume')}
          </Button>
        ) : null}
        {i.state === 'running' ? (
          <Button loading={pause.isPending} onClick={() => pause.mutate({ params })}>
            {t('imports.pause')}
          </Button>
        ) : null}
        {['received', 'checked', 'checking', 'paused'].includes(i.state) ? (
          <Danger
            trigger={<Button>{t('imports.cancel')}</Button>}
            title={t('imports.cancelTitle')}
            consequence={t('imports.cancelText')}
            onConfirm={() => cancel.mutateAsync({ params })}
          />
        ) : null}
      </Can>
      {may('import:undo') && ['done', 'paused', 'cancelled'].includes(i.state) && i.done_rows > 0 ? (
        <Danger
          trigger={<Button danger>{t('imports.undo')}</Button>}
          title={t('imports.undoTitle')}
          consequence={t('imports.undoText', { n: formatCount(i.done_rows) })}
          name={i.name}
          confirm={t('imports.undo')}
          onConfirm={() => undo.mutateAsync({ params })}
        />
      ) : null}
    </>
  );
}

/** What a column may be. */
const targets = ['key:phone', 'key:crm', 'key:card', 'key:unionid', 'key:openid', 'points', 'consent'] as const;

type Mapped = { columns: { column: string; to: string }[]; app_id?: string; consents?: string[]; evidence?: string };

function MappingForm({ i }: { i: Import }) {
  const { t } = useTranslation('members');
  const may = useCan();
  const brand = useBrandID();
  const fields = useGet('/profile-fields', { enabled: may('profile:read') });
  const purposes = useGet('/consent-purposes', { enabled: may('consent:read') });
  const accounts = useGet('/brands/{id}/accounts', {
    params: { path: { id: brand } },
    enabled: may('account:read') && Boolean(brand),
  });
  const saved = useGet('/import-mappings', { params: { query: { brand_id: brand } }, enabled: Boolean(brand) });
  const [form] = Form.useForm<Mapped>();
  const [naming, setNaming] = useState('');
  const start: Mapped = useMemo(() => {
    const given = (i.mapping.columns ?? []).length ? i.mapping.columns : i.suggested;
    const to = Object.fromEntries((given ?? []).map((c) => [c.column, c.to]));
    return {
      columns: (i.columns ?? []).map((column) => ({ column, to: to[column] ?? '' })),
      app_id: i.mapping.app_id || undefined,
      consents: i.mapping.consents ?? [],
      evidence: i.mapping.evidence,
    };
  }, [i.mapping, i.suggested, i.columns]);
  const values = Form.useWatch([], form) as Mapped | undefined;
  const map = useWrite('put', '/imports/{id}/mapping', { invalidate: ['/imports'], quiet: true });
  const check = useWrite('post', '/imports/{id}/dry-run', { invalidate: ['/imports'], quiet: true });
  const keep = useWrite('put', '/import-mappings', {
    invalidate: ['/import-mappings'],
    done: t('imports.kept'),
    quiet: true,
  });
  const chosen = (values?.columns ?? start.columns).map((c) => c?.to ?? '');
  const options = [
    { value: '', label: t('imports.skip') },
    ...targets.map((k) => ({ value: k as string, label: t(`imports.to.${k.replace(':', '_')}`) })),
    ...(fields.data ?? [])
      .filter((f) => f.active)
      .map((f) => ({ value: `profile:${f.name}`, label: t('imports.profileField', { title: f.title }) })),
  ];
  const bodyOf = (v: Mapped) => ({
    columns: v.columns.filter((c) => c.to),
    app_id: chosen.includes('key:openid') ? (v.app_id ?? '') : '',
    consents: chosen.includes('consent') ? (v.consents ?? []) : [],
    evidence: chosen.includes('consent') ? (v.evidence ?? '') : '',
  });
  const samples = i.sample ?? [];
  if (!may('import:write')) return null;
  return (
    <Section
      title={t('imports.mapping')}
      extra={
        (saved.data ?? []).length > 0 ? (
          <Select
            aria-label={t('imports.useSaved')}
            placeholder={t('imports.useSaved')}
            style={{ minWidth: 180 }}
            options={(saved.data ?? []).map((s) => ({ value: s.id ?? '', label: s.name }))}
            onChange={(x) => {
              const m = saved.data?.find((s) => s.id === x)?.mapping;
              if (!m) return;
              const to = Object.fromEntries((m.columns ?? []).map((c) => [c.column, c.to]));
              form.setFieldsValue({
                columns: start.columns.map((c) => ({ column: c.column, to: to[c.column] ?? '' })),
                app_id: m.app_id || undefined,
                consents: m.consents ?? [],
                evidence: m.evidence,
              });
            }}
          />
        ) : null
      }
    >
      <FaultAlert fault={map.error ?? check.error} />
      <Form
        form={form}
        layout="vertical"
        initialValues={start}
        onFinish={async (v) => {
          try {
            await map.mutateAsync({ params: { path: { id: i.id ?? '' } }, body: bodyOf(v) });
            await check.mutateAsync({ params: { path: { id: i.id ?? '' } } });
          } catch {
            // shown above
          }
        }}
      >
        <Form.List name="columns">
          {(items) => (
            <div style={{ overflowX: 'auto' }}>
              <table className="changes" style={{ minWidth: '100%' }}>
                <thead>
                  <tr>
                    <th>{t('imports.column')}</th>
                    <th>{t('imports.means')}</th>
                    <th>{t('imports.samples')}</th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((f, n) => (
                    <tr key={f.key}>
                      <td>{start.columns[n]?.column}</td>
                      <td>
                        <Form.Item name={[f.name, 'column']} hidden>
                          <Input />
                        </Form.Item>
                        <Form.Item name={[f.name, 'to']} style={{ margin: 0 }}>
                          <Select
                            aria-label={t('imports.meansOf', { column: start.columns[n]?.column })}
                            style={{ minWidth: 200 }}
                            options={options.map((o) => ({
                              ...o,
                              disabled: o.value !== '' && o.value !== chosen[n] && chosen.includes(o.value),
                            }))}
                          />
                        </Form.Item>
                      </td>
                      <td className="muted">
                        {samples
                          .slice(0, 3)
                          .map((row) => row?.[n])
                          .filter(Boolean)
                          .join('、') || '—'}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </Form.List>
        <div style={{ marginTop: 16, display: 'flex', gap: 16, flexWrap: 'wrap' }}>
          {chosen.includes('key:openid') ? (
            <Form.Item
              name="app_id"
              label={t('imports.app')}
              rules={[{ required: true, message: t('imports.appNeeded') }]}
            >
              <Select
                style={{ width: 260 }}
                options={(accounts.data ?? [])
                  .filter((a) => a.kind === 'official' || a.kind === 'mini')
                  .map((a) => ({ value: a.app_id, label: `${a.name} ${a.app_id}` }))}
              />
            </Form.Item>
          ) : null}
          {chosen.includes('consent') ? (
            <>
              <Form.Item
                name="consents"
                label={t('imports.consents')}
                rules={[{ required: true, message: t('imports.consentsNeeded') }]}
              >
                <Select
                  mode="multiple"
                  style={{ width: 320 }}
                  options={(purposes.data ?? [])
                    .filter((p) => !p.needed)
                    .map((p) => ({ value: p.key, label: p.title }))}
                />
              </Form.Item>
              <Form.Item
                name="evidence"
                label={t('imports.evidence')}
                extra={t('imports.evidenceHint')}
                rules={[{ required: true, whitespace: true, message: t('imports.evidenceNeeded') }]}
              >
                <Input maxLength={150} style={{ width: 320 }} />
              </Form.Item>
            </>
          ) : null}
        </div>
        <div className="page-actions">
          <Button type="primary" htmlType="submit" loading={map.isPending || check.isPending}>
            {i.state === 'checked' ? t('imports.checkAgain') : t('imports.check')}
          </Button>
          <Button onClick={() => setNaming(i.source)}>{t('imports.keep')}</Button>
          <span className="muted">{t('imports.checkText')}</span>
        </div>
      </Form>
      <Modal
        open={naming !== ''}
        title={t('imports.keep')}
        onCancel={() => setNaming('')}
        okText={t('imports.keep')}
        confirmLoading={keep.isPending}
        onOk={async () => {
          try {
            await keep.mutateAsync({
              body: { brand_id: brand, name: naming, mapping: bodyOf(form.getFieldsValue(true)) },
            });
            setNaming('');
          } catch {
            // shown below
          }
        }}
      >
        <FaultAlert fault={keep.error} />
        <label htmlFor="mapping-name">{t('imports.mappingName')}</label>
        <Input id="mapping-name" value={naming} maxLength={100} onChange={(e) => setNaming(e.target.value)} />
      </Modal>
    </Section>
  );
}

function Sample({ i }: { i: Import }) {
  const { t } = useTranslation('members');
  const rows = i.sample ?? [];
  if (rows.length === 0) return null;
  const shown: { id: string; cells: readonly string[] }[] = rows.map((cells, n) => ({
    id: String(n),
    cells: cells ?? [],
  }));
  return (
    <Section title={t('imports.sample')}>
      <Table
        rows={shown}
        label={t('imports.sample')}
        columns={(i.columns ?? []).map((c, n) => ({
          key: `${n}`,
          title: c,
          render: (r: { cells: readonly string[] }) => r.cells[n] || '—',
        }))}
      />
      <p className="muted">{t('imports.masked')}</p>
    </Section>
  );
}
