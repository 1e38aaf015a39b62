import { DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { Button, Form, Input, Segmented, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '@/api';
import { PhoneFrame } from '@/ui';
import {
  type Arm,
  type Draft,
  emptyContent,
  grouped,
  linkWord,
  mostArms,
  mostLinks,
  type Piece,
  pieces,
  sooner,
  templated,
  type Use,
  withArm,
  withoutUse,
  withUse,
} from '../draft';
import { Message } from '../Preview';
import { useAudience } from '../useAudience';
import type { StepProps } from './step';
import { Ways } from './Ways';
import { Words } from './Words';

type Variables = readonly { key: string; title: string; example: string }[];

/** By which channels, and what is said by each, in one version or more. */
export function WhatStep({ values, form, brand }: StepProps) {
  const { t } = useTranslation('pushes');
  const variables = useGet('/brands/{id}/push-variables', { params: { path: { id: brand } } });
  const audience = useAudience(brand, values, values.uses);
  const ways = useGet('/reach/ways', { params: { query: { brand_id: brand } } });
  const minis = (ways.data ?? []).flatMap((w) => (w.account_kind === 'mini' && w.account_id ? [w.account_id] : []));
  const set = (next: Partial<Pick<Draft, 'uses' | 'arms'>>) => {
    for (const [key, value] of Object.entries(next)) form.setFieldValue(key as keyof Draft, value);
  };
  const { uses, arms } = values;
  const counted = new Map(
    (audience.size.data?.ways ?? []).map((w) => [`${w.channel}${w.account_id ?? ''}${w.template_id ?? ''}`, w.count]),
  );
  const counts = Object.fromEntries(
    uses.flatMap((u, i) => {
      const n = counted.get(`${u.channel}${u.account_id ?? ''}${u.template_id}`);
      return n === undefined ? [] : [[i, n]];
    }),
  );
  const complete = (list: readonly Use[]) =>
    list.length === 0
      ? Promise.reject(new Error(t('what.needWay')))
      : list.some((u) => templated(u.channel) && !u.template_id.trim())
        ? Promise.reject(new Error(t('what.needTemplate')))
        : Promise.resolve();
  return (
    <div className="push-beside">
      <div>
        <Form.Item
          name="uses"
          label={t('reach.ways')}
          extra={t('what.waysHint')}
          rules={[{ validator: (_, list: Use[]) => complete(list ?? []) }]}
        >
          <Ways
            uses={uses}
            brand={brand}
            service={values.purpose === 'service'}
            counts={counts}
            add={(use) => set(withUse(values, use))}
            remove={(at) => set(withoutUse(values, at))}
            raise={(at) => set(sooner(values, at))}
            template={(at, template_id) => set({ uses: uses.map((u, i) => (i === at ? { ...u, template_id } : u)) })}
          />
        </Form.Item>
        <Links />
        {uses.length > 0
          ? arms.map((arm, a) => (
              <ArmFields
                // biome-ignore lint/suspicious/noArrayIndexKey: versions are named by their place
                key={a}
                at={a}
                arm={arm}
                values={values}
                variables={variables.data ?? []}
                minis={minis}
                remove={arms.length > 1 ? () => set({ arms: arms.filter((_, i) => i !== a) }) : undefined}
              />
            ))
          : null}
        {uses.length > 0 && arms.length < mostArms ? (
          <Button icon={<PlusOutlined />} onClick={() => set({ arms: withArm(arms) })}>
            {t('what.addArm')}
          </Button>
        ) : null}
      </div>
      <Live values={values} variables={variables.data ?? []} />
    </div>
  );
}

/** Links are where copies lead to; each is counted by a signed short address. */
function Links() {
  const { t } = useTranslation('pushes');
  return (
    <Form.List name="links">
      {(fields, { add, remove }) => (
        <Form.Item label={t('what.links')} extra={t('what.linksHint')}>
          {fields.map(({ key, name }) => (
            <div key={key} className="push-link">
              <Form.Item
                name={[name, 'title']}
                label={t('what.linkTitle', { n: name + 1 })}
                rules={[{ required: true, whitespace: true, message: t('form.needed') }]}
              >
                <Input maxLength={40} />
              </Form.Item>
              <Form.Item
                name={[name, 'url']}
                label={t('what.linkURL')}
                rules={[{ required: true, type: 'url', message: t('what.linkForm') }]}
              >
                <Input maxLength={1000} placeholder="https://" />
              </Form.Item>
              <Button
                type="text"
                icon={<DeleteOutlined />}
                aria-label={t('what.removeLink', { n: name + 1 })}
                onClick={() => remove(name)}
              />
            </div>
          ))}
          {fields.length < mostLinks ? (
            <Button icon={<PlusOutlined />} onClick={() => add({ title: '', url: '' })}>
              {t('what.addLink')}
            </Button>
          ) : null}
        </Form.Item>
      )}
    </Form.List>
  );
}

function ArmFields({
  at,
  arm,
  values,
  variables,
  minis,
  remove,
}: {
  at: number;
  arm: Arm;
  values: Draft;
  variables: Variables;
  /** Accounts that are mini programs. */
  minis: readonly string[];
  remove?: () => void;
}) {
  const { t } = useTranslation('pushes');
  const links = values.links.map((_, i) => ({ label: t('what.link', { n: i + 1 }), text: `{${linkWord}${i + 1}}` }));
  const inserts = [...variables.map((v) => ({ label: v.key, text: `{${v.key}}`, about: v.title })), ...links];
  return (
    <fieldset className="push-arm">
      <legend>
        {values.arms.length > 1 ? t('control.version', { name: arm.name }) : t('what.content')}{' '}
        {remove ? (
          <Button size="small" type="link" onClick={remove}>
            {t('what.removeArm')}
          </Button>
        ) : null}
      </legend>
      {values.arms.length > 1 ? (
        <Form.Item
          name={['arms', at, 'name']}
          label={t('what.armName')}
          rules={[{ required: true, whitespace: true, message: t('form.needed') }]}
        >
          <Input maxLength={20} style={{ width: 200 }} />
        </Form.Item>
      ) : null}
      {values.uses.map((u, i) => {
        const place = ['arms', at, 'contents', i];
        const title = t(`channel.${u.channel}`, { defaultValue: u.channel });
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: contents are named by their way's place
          <div key={i}>
            {templated(u.channel) ? (
              <Fields
                place={place}
                title={title}
                inserts={inserts}
                links={links.length}
                mini={u.channel === 'subscribe' && minis.includes(u.account_id ?? '')}
              />
            ) : (
              <Form.Item
                name={[...place, 'text']}
                label={title}
                extra={t(
                  grouped(u.channel) ? 'what.groupedHint' : u.channel === 'sms' ? 'what.smsHint' : 'what.textHint',
                )}
                rules={[{ required: true, whitespace: true, message: t('form.needed') }]}
              >
                <Words label={title} maxLength={600} inserts={grouped(u.channel) ? [] : inserts} />
              </Form.Item>
            )}
          </div>
        );
      })}
    </fieldset>
  );
}

/** Fields are what a template of WeChat's is filled with. */
function Fields({
  place,
  title,
  inserts,
  links,
  mini,
}: {
  place: (string | number)[];
  title: string;
  inserts: { label: string; text: string; about?: string }[];
  links: number;
  /** It opens pages of its own program. */
  mini: boolean;
}) {
  const { t } = useTranslation('pushes');
  return (
    <>
      <Form.List
        name={[...place, 'fields']}
        rules={[
          {
            validator: (_, list?: unknown[]) =>
              list?.length ? Promise.resolve() : Promise.reject(new Error(t('what.needField'))),
          },
        ]}
      >
        {(fields, { add, remove }, { errors }) => (
          <Form.Item
            label={title}
            extra={t('what.fieldsHint')}
            help={errors.length > 0 ? <Form.ErrorList errors={errors} /> : undefined}
          >
            {fields.map(({ key, name }) => (
              <div key={key} className="push-field">
                <Form.Item
                  name={[name, 'key']}
                  label={t('what.fieldKey')}
                  rules={[{ required: true, whitespace: true, message: t('form.needed') }]}
                >
                  <Input maxLength={32} placeholder="thing1" />
                </Form.Item>
                <Form.Item
                  name={[name, 'text']}
                  label={t('what.fieldText')}
                  rules={[{ required: true, whitespace: true, message: t('form.needed') }]}
                >
                  <Words label={t('what.fieldText')} maxLength={200} rows={1} inserts={inserts} />
                </Form.Item>
                <Button
                  type="text"
                  icon={<DeleteOutlined />}
                  aria-label={t('what.removeField', { n: name + 1 })}
                  onClick={() => remove(name)}
                />
              </div>
            ))}
            {fields.length < 10 ? (
              <Button icon={<PlusOutlined />} onClick={() => add({ key: '', text: '' })}>
                {t('what.addField')}
              </Button>
            ) : null}
          </Form.Item>
        )}
      </Form.List>
      {mini ? (
        <Form.Item
          name={[...place, 'page']}
          label={t('what.page')}
          extra={t('what.pageHint')}
          rules={[{ pattern: /^[\w-]+(\/[\w-]+)*(\?[\w.~%=&-]*)?$/, message: t('what.pageForm') }]}
        >
          <Input maxLength={128} placeholder="pages/coupon/detail" spellCheck={false} />
        </Form.Item>
      ) : null}
      <Form.Item name={[...place, 'link_no']} label={t('what.opens')} hidden={mini}>
        <Select
          style={{ width: 200 }}
          options={[
            { value: 0, label: t('what.opensNothing') },
            ...Array.from({ length: links }, (_, i) => ({ value: i + 1, label: t('what.link', { n: i + 1 }) })),
          ]}
        />
      </Form.Item>
    </>
  );
}

/** Live shows the message while it is written: for somebody of whom all is known, and for
 * somebody of whom nothing is. */
function Live({ values, variables }: { values: Draft; variables: Variables }) {
  const { t } = useTranslation('pushes');
  const [known, setKnown] = useState(true);
  const [at, setAt] = useState(0);
  const arm = values.arms[Math.min(at, values.arms.length - 1)];
  const keys = variables.map((v) => v.key);
  // A link is there for everybody; what a member tells of himself is not.
  const have = Object.fromEntries(
    variables.filter((v) => known || v.example.startsWith('https://')).map((v) => [v.key, v.example]),
  );
  const draw = (text: string) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: pieces have no name but their place
    pieces(text, have, keys, values.links.length).map((p, i) => <Shown key={i} piece={p} />);
  return (
    <div className="push-live">
      <h2>{t('preview.title')}</h2>
      <Segmented
        aria-label={t('preview.who')}
        value={known ? 1 : 0}
        onChange={(v) => setKnown(v === 1)}
        options={[
          { value: 1, label: t('preview.known') },
          { value: 0, label: t('preview.unknown') },
        ]}
        style={{ marginBottom: 8 }}
      />
      {values.arms.length > 1 ? (
        <Segmented
          aria-label={t('control.versions')}
          value={Math.min(at, values.arms.length - 1)}
          onChange={setAt}
          options={values.arms.map((a, value) => ({ value, label: a.name || '—' }))}
          style={{ marginBottom: 8, marginLeft: 8 }}
        />
      ) : null}
      <PhoneFrame title={t('preview.phone')}>
        <div className="push-phone">
          {arm
            ? values.uses.map((u, i) => {
                const c = arm.contents[i] ?? emptyContent;
                return (
                  // biome-ignore lint/suspicious/noArrayIndexKey: messages are named by their way's place
                  <div key={i}>
                    <div className="push-way">{t(`channel.${u.channel}`, { defaultValue: u.channel })}</div>
                    <Message
                      channel={u.channel}
                      text={draw(c.text ?? '')}
                      fields={(c.fields ?? []).map((f) => ({ key: f?.key ?? '', text: draw(f?.text ?? '') }))}
                      link={c.link_no ? (values.links[c.link_no - 1]?.title ?? '') : null}
                    />
                  </div>
                );
              })
            : null}
        </div>
      </PhoneFrame>
      <p className="muted">{t('preview.legend')}</p>
    </div>
  );
}

function Shown({ piece }: { piece: Piece }) {
  const { t } = useTranslation('pushes');
  if (piece.kind === 'text') return <>{piece.text}</>;
  return (
    <mark className={`push-of-${piece.kind}`} title={t(`piece.${piece.kind}`)}>
      {piece.text}
    </mark>
  );
}
