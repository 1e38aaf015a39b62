import { Alert, Form, Radio } from 'antd';
import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { useMe } from '@/app/session';
import { mark } from '@/i18n/marks';
import { Detail, Page, StepWizard } from '@/ui';
import { DefinitionForm } from './DefinitionForm';
import { begin, type Definition, problem, toKept } from './definition';
import { beginning, KeepFields, PurposeFields, refreshText, sent, type Words } from './fields';
import { Meaning } from './Next';
import { kinds, pathOf, useOperators, useTree } from './words';
import '../audience.css';

type Values = Words & { kind: string; definition: Definition };

/** A tag is asked for: what for, how it comes about, how it is kept; then it waits for
 * somebody else's approval. */
export function Component() {
  const { t } = useTranslation('audience');
  const { t: app } = useTranslation('app');
  const navigate = useNavigate();
  const brand = useBrandID();
  const { me } = useMe();
  const tree = useTree(brand);
  const people = useOperators();
  const quiet = { quiet: true, invalidate: ['/tags'] };
  const ask = useWrite('post', '/tags', quiet);
  const edit = useWrite('put', '/tags/{id}', quiet);
  const build = useWrite('put', '/tags/{id}/definition', quiet);
  const submit = useWrite('post', '/tags/{id}/submit', { ...quiet, done: t('tag.done.submitted') });
  // Three writes: when a later one is refused, what was made stays and is gone on with.
  const made = useRef<{ id: string; rev: number } | null>(null);
  const finish = async (v: Values) => {
    const { kind, definition, ...words } = v;
    const body = { brand_id: brand, ...sent(words, kind) };
    if (made.current) {
      const { id, rev } = made.current;
      const now = await edit.mutateAsync({ params: { path: { id } }, body: { ...body, rev } });
      made.current.rev = now.rev;
    } else {
      const asked = await ask.mutateAsync({ body: { ...body, rev: 0 } });
      made.current = { id: asked.id, rev: asked.rev };
    }
    const { id } = made.current;
    const params = { path: { id } };
    await build.mutateAsync({ params, body: { rev: made.current.rev, definition: toKept(definition) as never } });
    made.current.rev++;
    await submit.mutateAsync({ params, body: { rev: made.current.rev } });
    navigate(`/audience/tags/${id}`);
  };
  return (
    <Page title={t('tag.create')} trail={[{ title: t('menu.tags'), to: '/audience/tags' }]} about={t('tag.createText')}>
      {brand ? (
        <StepWizard<Values>
          initial={{ ...beginning(me.operator.id), kind: 'rule', definition: begin('rule') }}
          finish={t('tag.submit')}
          onCancel={() => navigate('/audience/tags')}
          onFinish={finish}
          steps={[
            {
              key: 'kind',
              title: t('tag.step.kind'),
              render: (v) => (
                <>
                  <KindField fixed={made.current !== null} />
                  <PurposeFields tree={tree} values={v} />
                </>
              ),
            },
            {
              key: 'definition',
              title: t('tag.step.definition'),
              render: (v) => (
                <>
                  {/* The error stands here; around the builder it would colour each of its fields. */}
                  <Form.Item
                    name="definition"
                    noStyle
                    rules={[
                      {
                        validator: (_, d: Definition) => {
                          const wrong = problem(d);
                          return wrong ? Promise.reject(new Error(t(wrong))) : Promise.resolve();
                        },
                      },
                    ]}
                  >
                    <Wrong />
                  </Form.Item>
                  <DefinitionField brand={brand} values={v} />
                </>
              ),
            },
            {
              key: 'keep',
              title: t('tag.step.keep'),
              render: (v) => <KeepFields kind={v.kind ?? 'rule'} values={v} />,
            },
            {
              key: 'review',
              title: t('tag.step.review'),
              render: (v) => {
                const kind = v.kind ?? 'rule';
                const at = { class: v.class ?? '', category_id: v.category_id ?? null };
                return (
                  <>
                    <Alert type="info" showIcon title={t('tag.reviewText')} style={{ marginBottom: 16 }} />
                    <Detail
                      columns={2}
                      items={[
                        { label: t('tag.name'), value: v.name },
                        { label: t('tag.kindTitle'), value: t(`tag.kind.${kind}`) },
                        { label: t('tag.place'), value: pathOf(tree, at, t) },
                        { label: t('tag.owner'), value: people.name(v.owner_id) },
                        { label: t('tag.purpose'), value: v.purpose, wide: true },
                        { label: t('tag.use'), value: v.intended_use, wide: true },
                        kind === 'rule'
                          ? { label: t('tag.refresh'), value: refreshText(t, v.refresh_minutes ?? 0) }
                          : {
                              label: t('tag.ttl'),
                              value: v.ttl_days ? t('tag.days', { n: v.ttl_days }) : t('tag.forever'),
                            },
                        { label: t('tag.review'), value: t('tag.days', { n: v.review_days ?? 0 }) },
                        { label: t('tag.idle'), value: t('tag.days', { n: v.idle_days ?? 0 }) },
                        {
                          label: t('tag.roles'),
                          value: v.roles?.length
                            ? v.roles.map((r) => app(`roles.${r}`)).join(mark('、'))
                            : t('tag.allRoles'),
                        },
                      ]}
                    />
                    <h2 className="tag-some">{t('tag.next')}</h2>
                    {v.definition ? <Meaning brand={brand} definition={toKept(v.definition)} /> : null}
                  </>
                );
              },
            },
          ]}
        />
      ) : null}
    </Page>
  );
}

function KindField({ fixed }: { fixed: boolean }) {
  const { t } = useTranslation('audience');
  const form = Form.useFormInstance<Values>();
  return (
    <Form.Item name="kind" label={t('tag.kindTitle')}>
      <Radio.Group
        disabled={fixed}
        onChange={(e) => form.setFieldValue('definition', begin(String(e.target.value)))}
        className="tag-kinds"
        options={kinds.map((value) => ({
          value,
          label: (
            <span>
              <strong>{t(`tag.kind.${value}`)}</strong> <span className="muted">{t(`tag.kindText.${value}`)}</span>
            </span>
          ),
        }))}
      />
    </Form.Item>
  );
}

function Wrong() {
  const { errors } = Form.Item.useStatus();
  if (errors.length === 0) return null;
  return <Alert type="error" showIcon role="alert" title={errors[0]} style={{ marginBottom: 12 }} />;
}

function DefinitionField({ brand, values }: { brand: string; values: Partial<Values> }) {
  const form = Form.useFormInstance<Values>();
  if (!values.definition) return null;
  return (
    <DefinitionForm
      brand={brand}
      kind={values.kind ?? 'rule'}
      value={values.definition}
      onChange={(d) => form.setFieldValue('definition', d)}
    />
  );
}
