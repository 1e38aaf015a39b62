import { Alert, Button, Form, type FormInstance, Input, Select, Space, Switch } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Body, useGet, useWrite } from '@/api';
import { ApiError } from '@/api/error';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import {
  Broken,
  Can,
  Copy,
  Danger,
  Empty,
  FaultAlert,
  NumberInput,
  Page,
  Section,
  StateTag,
  Time,
  Trail,
  useFilled,
  Waiting,
} from '@/ui';
import { Tabs, useOptions } from './parts';

type Draft = Body<'put', '/brands/{id}/leader-programme'>;

export function Component() {
  const { t } = useTranslation('leaders');
  return (
    <Page title={t('menu.programme')} about={t('programme.about')}>
      <Tabs
        tabs={[
          { key: 'programme', label: t('programme.levels'), content: () => <Programme key="p" /> },
          { key: 'candidates', label: t('programme.candidates'), content: () => <Programme key="c" candidates /> },
          { key: 'agreements', label: t('programme.agreements'), content: () => <Agreements /> },
        ]}
      />
    </Page>
  );
}

/** shown turns basis points into the percent that people type, and stored turns it back. */
function convert(v: Draft, factor: number): Draft {
  const one = (c: { metric?: string; at_least?: number; days?: number }) => ({
    ...c,
    days: c.metric === 'group_health' ? 0 : c.days,
    at_least: c.metric === 'retention_bp' ? Math.round((c.at_least ?? 0) * factor * 100) / 100 : c.at_least,
  });
  return {
    ...v,
    levels: (v.levels ?? []).map((l) => ({ ...l, conditions: (l.conditions ?? []).map(one) })),
    candidates: { ...v.candidates, conditions: (v.candidates?.conditions ?? []).map(one) },
  };
}

/** Programme edits levels and questions, or the rules for candidates: both are one version
 * of the programme, saved together. */
function Programme({ candidates }: { candidates?: boolean }) {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const may = useCan()('leader:write');
  const [form] = Form.useForm<Draft>();
  const [fault, setFault] = useState<unknown>(null);
  const keys = useOptions('question');
  const {
    data: p,
    dataUpdatedAt,
    error,
    refetch,
  } = useGet('/brands/{id}/leader-programme', {
    params: { path: { id: brand } },
    enabled: Boolean(brand),
  });
  const save = useWrite('put', '/brands/{id}/leader-programme', {
    invalidate: ['/brands/{id}/leader-programme'],
    done: t('done.saved'),
    quiet: true,
  });
  const filled = useFilled(form, { data: p, seen: dataUpdatedAt, of: brand }, (read) => {
    const { brand_id: _b, by_id: _y, created_at: _c, ...draft } = read;
    return convert(draft, 0.01);
  });
  if (error && !p) return <Broken error={error} again={() => void refetch()} />;
  if (!p) return <Waiting />;
  const submit = async () => {
    const read = filled.now();
    if (!read) return;
    setFault(null);
    const v = convert(form.getFieldsValue(true), 100);
    const body: Draft = {
      version: read.data.version,
      open: v.open ?? false,
      questions: (v.questions ?? []).map((q) => ({ key: q.key, title: q.title, required: q.required ?? false })),
      levels: (v.levels ?? []).map((l, i) => ({
        name: l.name,
        groups: l.groups ?? 0,
        templates: l.templates ?? false,
        conditions: i === 0 ? [] : l.conditions,
      })),
      candidates: { conditions: v.candidates?.conditions, again_days: v.candidates?.again_days ?? 0 },
      reapply_days: v.reapply_days ?? 0,
    };
    try {
      await filled.save(() => save.mutateAsync({ params: { path: { id: brand } }, body, seen: read.seen }));
    } catch (e) {
      setFault(e);
      if (!(e instanceof ApiError)) throw e;
    }
  };
  const where = fault instanceof ApiError ? fault.field : '';
  return (
    <>
      <Form form={form} layout="vertical" disabled={!may} onFinish={() => void submit()}>
        {where === '' || !['levels', 'questions', 'candidates', 'reapply_days'].includes(where) ? (
          <FaultAlert
            fault={fault}
            again={() => {
              setFault(null);
              filled.again();
            }}
          />
        ) : null}
        {candidates ? (
          <Section title={t('programme.candidates')}>
            {where === 'candidates' ? <FaultAlert fault={fault} /> : null}
            <p className="muted">{t('programme.candidatesAbout')}</p>
            <Conditions name={['candidates', 'conditions']} form={form} />
            <Form.Item name={['candidates', 'again_days']} label={t('programme.again')} style={{ maxWidth: 280 }}>
              <NumberInput min={0} max={365} suffix={t('unit.days')} style={{ width: '100%' }} />
            </Form.Item>
          </Section>
        ) : (
          <>
            <Section
              title={t('programme.open')}
              extra={
                p.version ? (
                  <span className="muted">
                    v{p.version} <Time at={p.created_at} />
                  </span>
                ) : (
                  <StateTag state="draft" />
                )
              }
            >
              <Form.Item
                name="open"
                label={t('programme.openLabel')}
                valuePropName="checked"
                extra={t('programme.openHelp')}
              >
                <Switch />
              </Form.Item>
              {where === 'reapply_days' ? <FaultAlert fault={fault} /> : null}
              <Form.Item name="reapply_days" label={t('programme.reapply')} style={{ maxWidth: 280 }}>
                <NumberInput min={0} max={365} suffix={t('unit.days')} style={{ width: '100%' }} />
              </Form.Item>
            </Section>
            <Section title={t('programme.questions')}>
              {where === 'questions' ? <FaultAlert fault={fault} /> : null}
              <p className="muted">{t('programme.questionsAbout')}</p>
              <Form.List name="questions">
                {(fields, { add, remove }) => (
                  <>
                    {fields.map((f) => (
                      <Space key={f.key} wrap align="baseline">
                        <Form.Item
                          name={[f.name, 'key']}
                          label={t('programme.question')}
                          rules={[{ required: true, message: t('form.needed') }]}
                        >
                          <Select style={{ width: 160 }} options={keys} />
                        </Form.Item>
                        <Form.Item
                          name={[f.name, 'title']}
                          label={t('programme.wording')}
                          rules={[{ required: true, message: t('form.needed') }]}
                        >
                          <Input maxLength={30} />
                        </Form.Item>
                        <Form.Item name={[f.name, 'required']} label={t('programme.must')} valuePropName="checked">
                          <Switch />
                        </Form.Item>
                        <Button danger size="small" onClick={() => remove(f.name)}>
                          {t('live.remove')}
                        </Button>
                      </Space>
                    ))}
                    <div>
                      <Button disabled={!may || fields.length >= 3} onClick={() => add({ required: false })}>
                        {t('programme.addQuestion')}
                      </Button>
                    </div>
                  </>
                )}
              </Form.List>
            </Section>
            <Section title={t('people.level')}>
              {where === 'levels' ? <FaultAlert fault={fault} /> : null}
              <Alert type="info" style={{ marginBottom: 12 }} title={t('programme.lawful')} />
              <Form.List name="levels">
                {(fields, { add, remove }) => (
                  <>
                    {fields.map((f, i) => (
                      <div key={f.key} className="card" style={{ marginBottom: 12 }}>
                        <Space wrap align="baseline">
                          <Form.Item
                            name={[f.name, 'name']}
                            label={t('programme.levelName', { n: i + 1 })}
                            rules={[{ required: true, message: t('form.needed') }]}
                          >
                            <Input maxLength={16} />
                          </Form.Item>
                          <Form.Item name={[f.name, 'groups']} label={t('programme.groups')}>
                            <NumberInput min={0} max={50} />
                          </Form.Item>
                          <Form.Item
                            name={[f.name, 'templates']}
                            label={t('programme.templates')}
                            valuePropName="checked"
                          >
                            <Switch />
                          </Form.Item>
                          <Button danger size="small" onClick={() => remove(f.name)}>
                            {t('programme.removeLevel')}
                          </Button>
                        </Space>
                        {i === 0 ? (
                          <p className="muted">{t('programme.firstLevel')}</p>
                        ) : (
                          <Conditions
                            name={['levels', f.name, 'conditions']}
                            list={[f.name, 'conditions']}
                            form={form}
                          />
                        )}
                      </div>
                    ))}
                    <Button
                      disabled={!may || fields.length >= 10}
                      onClick={() => add({ groups: 1, templates: false, conditions: [] })}
                    >
                      {t('programme.addLevel')}
                    </Button>
                  </>
                )}
              </Form.List>
            </Section>
          </>
        )}
        {may ? (
          <Button type="primary" htmlType="submit" loading={save.isPending}>
            {t('programme.save')}
          </Button>
        ) : null}
      </Form>
      <div style={{ height: 16 }} />
      <Trail object="leader_programme" id={brand} />
    </>
  );
}

/** Conditions: only metrics that the law allows can be chosen. */
function Conditions({
  name,
  list,
  form,
}: {
  name: (string | number)[];
  list?: (string | number)[];
  form: FormInstance<Draft>;
}) {
  const { t } = useTranslation('leaders');
  const metrics = useOptions('metric');
  const all = Form.useWatch(name as never, form) as { metric?: string }[] | undefined;
  return (
    <Form.List name={list ?? name}>
      {(fields, { add, remove }) => (
        <>
          {fields.map((f) => {
            const metric = all?.[f.name]?.metric;
            return (
              <Space key={f.key} wrap align="baseline">
                <Form.Item
                  name={[f.name, 'metric']}
                  label={t('programme.metric')}
                  rules={[{ required: true, message: t('form.needed') }]}
                >
                  <Select style={{ width: 220 }} options={metrics} />
                </Form.Item>
                <Form.Item
                  name={[f.name, 'at_least']}
                  label={t('programme.atLeast')}
                  rules={[{ required: true, message: t('form.needed') }]}
                >
                  <NumberInput
                    min={0}
                    precision={metric === 'retention_bp' ? 2 : 0}
                    suffix={metric === 'retention_bp' ? '%' : undefined}
                  />
                </Form.Item>
                {metric === 'group_health' ? null : (
                  <Form.Item
                    name={[f.name, 'days']}
                    label={t('programme.days')}
                    rules={[{ required: true, message: t('form.needed') }]}
                  >
                    <NumberInput min={1} max={365} suffix={t('unit.days')} />
                  </Form.Item>
                )}
                <Button danger size="small" onClick={() => remove(f.name)}>
                  {t('live.remove')}
                </Button>
              </Space>
            );
          })}
          <div style={{ marginBottom: 12 }}>
            <Button size="small" disabled={fields.length >= 8} onClick={() => add({ days: 30 })}>
              {t('programme.addCondition')}
            </Button>
          </div>
        </>
      )}
    </Form.List>
  );
}

function Agreements() {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const { data, dataUpdatedAt, error, refetch } = useGet('/brands/{id}/leader-agreements', {
    params: { path: { id: brand } },
    enabled: Boolean(brand),
  });
  const publish = useWrite('post', '/brands/{id}/leader-agreements', {
    invalidate: ['/brands/{id}/leader-agreements'],
    done: t('agreement.published'),
    quiet: true,
  });
  const [chosen, setChosen] = useState<number | null>(null);
  if (error && !data) return <Broken error={error} again={() => void refetch()} />;
  if (!data) return <Waiting />;
  const list = [...data].sort((a, b) => b.version - a.version);
  const now = list.find((a) => a.version === chosen) ?? list[0];
  return (
    <>
      <Section
        title={t('programme.agreements')}
        extra={
          <Can do="leader:write">
            <Danger
              trigger={<Button type="primary">{t('agreement.publish')}</Button>}
              title={t('agreement.publishTitle', { n: (list[0]?.version ?? 0) + 1 })}
              consequence={t('agreement.publishText')}
              danger={false}
              confirm={t('agreement.publish')}
              seen={dataUpdatedAt}
              onConfirm={(v, seen) =>
                publish.mutateAsync({ params: { path: { id: brand } }, body: { text: String(v.text ?? '') }, seen })
              }
            >
              <Form.Item
                name="text"
                label={t('agreement.text')}
                initialValue={list[0]?.text}
                rules={[{ required: true, message: t('form.needed') }]}
              >
                <Input.TextArea rows={12} />
              </Form.Item>
            </Danger>
          </Can>
        }
      >
        {now ? (
          <>
            <Space wrap style={{ marginBottom: 12 }}>
              <Select
                aria-label={t('programme.version')}
                value={now.version}
                onChange={setChosen}
                options={list.map((a, i) => ({
                  value: a.version,
                  label: `v${a.version}${i === 0 ? t('agreement.current') : ''}`,
                }))}
              />
              <Time at={now.created_at} />
              <span className="muted">
                SHA-256 <Copy text={now.sha256} shown={`${now.sha256.slice(0, 12)}…`} />
              </span>
            </Space>
            <div style={{ whiteSpace: 'pre-wrap', maxWidth: 760, lineHeight: 1.8 }}>{now.text}</div>
          </>
        ) : (
          <Empty title={t('agreement.empty')} text={t('agreement.emptyText')} example={t('agreement.example')} />
        )}
      </Section>
      <Trail object="leader_agreement" id={brand} />
    </>
  );
}
