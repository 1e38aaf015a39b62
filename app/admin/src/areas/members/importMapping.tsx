import { Button, Form, Input, Modal, Select } from 'antd';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Data, useGet, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { mark } from '@/i18n/marks';
import { spoken } from '@/i18n/server';
import { FaultAlert, Section, useFilled } from '@/ui';

type Import = Data<'get', '/imports/{id}'>;

/** What a column may be. */
const targets = ['key:phone', 'key:crm', 'key:card', 'key:unionid', 'key:openid', 'points', 'consent'] as const;

type Mapped = { columns: { column: string; to: string }[]; app_id?: string; consents?: string[]; evidence?: string };

/** MappingForm says what each column of a file means, before it is checked. */
export function MappingForm({ i, seen }: { i: Import; seen: number }) {
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
  const filled = useFilled(form, { data: i, seen, of: i.id ?? '' }, () => start);
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
      <FaultAlert
        fault={map.error ?? check.error}
        again={() => {
          map.reset();
          filled.again();
        }}
      />
      <Form
        form={form}
        layout="vertical"
        initialValues={start}
        onFinish={async (v) => {
          try {
            const params = { path: { id: i.id ?? '' } };
            await filled.save(() => map.mutateAsync({ params, body: bodyOf(v), seen: filled.now()?.seen }));
            await check.mutateAsync({ params });
          } catch {
            // shown above
          }
        }}
      >
        <Form.List name="columns">
          {(items) => (
            <div style={{ overflowX: 'auto' }}>
              <table className="changes" style={{ minWidth: 'max(100%, 520px)' }}>
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
                          .join(mark('、')) || '—'}
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
                    .map((p) => ({ value: p.key, label: spoken(p.title) }))}
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
