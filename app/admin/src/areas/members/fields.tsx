import { Button, Form, Input, Select, Switch } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Data, useGet, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { Broken, FormDrawer, NumberInput, Page, Section, StateTag, Table, Waiting } from '@/ui';

type Field = NonNullable<Data<'get', '/profile-fields'>>[number];
type Values = Omit<Field, 'changed_at' | 'built_in'>;

/** Fields are what members are asked about themselves, and what is given for an answer. */
export function Component() {
  const { t } = useTranslation('members');
  const may = useCan();
  const brand = useBrandID();
  const { data, dataUpdatedAt, error, refetch } = useGet('/profile-fields');
  const purposes = useGet('/consent-purposes', { enabled: may('consent:read') });
  const [editing, setEditing] = useState<{ old: Field | null } | null>(null);
  const save = useWrite('put', '/profile-fields', {
    invalidate: ['/profile-fields', '/members'],
    done: t('fields.saved'),
    quiet: true,
  });
  const old = editing?.old ?? null;
  return (
    <Page
      title={t('menu.fields')}
      about={t('fields.about')}
      actions={
        may('profile:write') ? (
          <Button type="primary" onClick={() => setEditing({ old: null })}>
            {t('fields.add')}
          </Button>
        ) : null
      }
    >
      {error && !data ? <Broken error={error} again={() => void refetch()} /> : null}
      {!data && !error ? <Waiting /> : null}
      {data ? (
        <Section>
          <Table
            rows={data}
            rowKey={(f) => f.name}
            label={t('menu.fields')}
            columns={[
              { key: 'title', title: t('fields.title'), render: (f) => f.title },
              {
                key: 'kind',
                title: t('fields.kind'),
                render: (f) => t(`fields.kinds.${f.kind}`, { defaultValue: f.kind }),
              },
              {
                key: 'question',
                title: t('fields.question'),
                render: (f) => f.question || <span className="muted">{t('fields.notAsked')}</span>,
              },
              { key: 'why', title: t('fields.why'), render: (f) => f.why || '—' },
              { key: 'points', title: t('fields.points'), align: 'right', render: (f) => f.points || '—' },
              {
                key: 'purpose',
                title: t('fields.purpose'),
                render: (f) => purposes.data?.find((p) => p.key === f.purpose)?.title ?? (f.purpose || '—'),
              },
              {
                key: 'active',
                title: t('list.state'),
                render: (f) => (
                  <StateTag state={f.active ? 'on' : 'off'} labels={{ on: t('fields.on'), off: t('fields.off') }} />
                ),
              },
            ]}
            actions={
              may('profile:write')
                ? (f) => (
                    <Button type="link" size="small" onClick={() => setEditing({ old: f })}>
                      {t('common.edit')}
                    </Button>
                  )
                : undefined
            }
          />
        </Section>
      ) : null}
      <FormDrawer<Values>
        title={old ? t('fields.edit', { title: old.title }) : t('fields.add')}
        open={editing !== null}
        onClose={() => setEditing(null)}
        initial={old ?? { kind: 'text', active: true, points: 0, place_no: (data?.length ?? 0) + 1, choices: [] }}
        seen={dataUpdatedAt}
        onSubmit={(v, seen) =>
          save.mutateAsync({
            seen,
            body: {
              ...v,
              name: old?.name ?? v.name,
              kind: old?.kind ?? v.kind,
              choices: v.choices ?? [],
              purpose: v.purpose ?? '',
              question: v.question ?? '',
              why: v.why ?? '',
              brand_id: v.points > 0 ? brand : (old?.brand_id ?? null),
            },
          })
        }
      >
        {(_, values) => (
          <>
            <Form.Item
              name="name"
              label={t('fields.name')}
              extra={t('fields.nameHint')}
              rules={[{ required: true, pattern: /^[a-z][a-z0-9_]{1,31}$/, message: t('fields.nameHint') }]}
            >
              <Input disabled={old !== null} />
            </Form.Item>
            <Form.Item
              name="title"
              label={t('fields.title')}
              rules={[{ required: true, whitespace: true, message: t('kinds.titleNeeded') }]}
            >
              <Input maxLength={20} disabled={old?.built_in} />
            </Form.Item>
            <Form.Item name="kind" label={t('fields.kind')}>
              <Select
                disabled={old !== null}
                options={['text', 'number', 'date', 'choice', 'choices'].map((k) => ({
                  value: k,
                  label: t(`fields.kinds.${k}`),
                }))}
              />
            </Form.Item>
            {values.kind === 'choice' || values.kind === 'choices' ? (
              <Form.Item name="choices" label={t('fields.choices')} extra={t('fields.choicesHint')}>
                <Select mode="tags" open={false} disabled={old?.built_in} tokenSeparators={[',', '，', '、']} />
              </Form.Item>
            ) : null}
            <Form.Item name="question" label={t('fields.question')} extra={t('fields.questionHint')}>
              <Input maxLength={100} />
            </Form.Item>
            <Form.Item name="why" label={t('fields.why')} extra={t('fields.whyHint')}>
              <Input maxLength={100} />
            </Form.Item>
            <Form.Item name="purpose" label={t('fields.purpose')} extra={t('fields.purposeHint')}>
              <Select
                allowClear
                disabled={old?.built_in}
                options={(purposes.data ?? []).filter((p) => !p.needed).map((p) => ({ value: p.key, label: p.title }))}
              />
            </Form.Item>
            <Form.Item name="points" label={t('fields.points')} extra={t('fields.pointsHint')}>
              <NumberInput min={0} max={100000} />
            </Form.Item>
            <Form.Item name="place_no" label={t('fields.place')}>
              <NumberInput min={0} max={1000} />
            </Form.Item>
            <Form.Item name="active" label={t('fields.active')} valuePropName="checked">
              <Switch />
            </Form.Item>
          </>
        )}
      </FormDrawer>
    </Page>
  );
}
