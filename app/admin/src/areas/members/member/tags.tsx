import { Button, Form, Input, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { type Data, useGet, useList, useWrite } from '@/api';
import { useBrand, useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { Conditions, Proof } from '@/areas/audience/tags/Proof';
import { Broken, Can, Danger, Empty, FormDrawer, Section, Table, Time, TimeInput, useUndo, Waiting } from '@/ui';

type Held = Data<'get', '/members/{id}/tags'>[number];

const stale = ['/members/{id}/tags', '/tags'];

/** Tags: what somebody is called by, and why. Those that are given by hand are given and
 * taken here, each time with a reason and a way back. */
export function Tags({ id }: { id: string }) {
  const { t } = useTranslation('members');
  const { brands } = useBrand();
  const may = useCan()('tag:write');
  const params = { path: { id } };
  const { data, error, refetch } = useGet('/members/{id}/tags', { params });
  const take = useWrite('post', '/members/{id}/tags/take', { invalidate: stale, quiet: true });
  const undo = useUndo();
  if (error && !data) return <Broken error={error} again={() => void refetch()} />;
  if (!data) return <Waiting />;
  const give = may ? <Give id={id} held={data} /> : null;
  if (data.length === 0) return <Empty title={t('tags.empty')} text={t('tags.emptyText')} action={give} />;
  const drop = async (h: Held, reason: string) => {
    const done = await take.mutateAsync({ params, body: { tag_id: h.tag_id, value: '', until_at: null, reason } });
    const before = done.before;
    if (!before) return;
    undo(t('tags.taken', { name: h.name }), (send, why) =>
      send(
        'post',
        '/members/{id}/tags',
        { params, body: { tag_id: h.tag_id, value: before.value, until_at: before.until_at, reason: why } },
        stale,
      ),
    );
  };
  return (
    <Section title={t('tab.tags')} extra={give}>
      <Table
        rows={data}
        rowKey={(h) => h.tag_id ?? ''}
        label={t('tab.tags')}
        columns={[
          {
            key: 'name',
            title: t('tags.name'),
            render: (h) => <Link to={`/audience/tags/${h.tag_id}?member=${id}`}>{h.name}</Link>,
          },
          { key: 'value', title: t('tags.value'), render: (h) => <Value held={h} /> },
          {
            key: 'why',
            title: t('tags.why'),
            render: (h) => (
              <div style={{ minWidth: 160, maxWidth: 420, whiteSpace: 'normal' }}>
                {h.reasons.length > 0 ? <Conditions reasons={h.reasons} /> : <Proof held={h} member={id} />}
              </div>
            ),
          },
          { key: 'since', title: t('tags.since'), render: (h) => <Time at={h.since_at} /> },
          {
            key: 'until',
            title: t('tags.until'),
            render: (h) => (h.until_at ? <Time at={h.until_at} precise={false} /> : t('tags.forever')),
          },
          ...(brands.length > 1
            ? [
                {
                  key: 'brand',
                  title: t('tags.brand'),
                  render: (h: Held) => brands.find((b) => b.id === h.brand_id)?.name ?? '—',
                },
              ]
            : []),
        ]}
        actions={
          may && data.some((h) => h.source === 'manual')
            ? (h) =>
                h.source === 'manual' ? (
                  <Danger
                    trigger={
                      <Button type="link" size="small" aria-label={t('tags.takeNamed', { name: h.name })}>
                        {t('tags.take')}
                      </Button>
                    }
                    title={t('tags.takeNamed', { name: h.name })}
                    danger={false}
                    reason
                    onConfirm={({ reason }) => drop(h, reason)}
                  />
                ) : null
            : undefined
        }
      />
    </Section>
  );
}

function Value({ held: h }: { held: Held }) {
  const { t } = useTranslation('members');
  const value = h.value || t('tags.has');
  return h.kind === 'model' ? t('tags.scored', { value, score: h.score }) : value;
}

type Gift = { tag: string; value?: string; until: string | null; reason: string };

/** Give adds a tag that people give by hand. */
function Give({ id, held }: { id: string; held: readonly Held[] }) {
  const { t } = useTranslation('members');
  const brand = useBrandID();
  const [open, setOpen] = useState(false);
  const [word, setWord] = useState('');
  const undo = useUndo();
  const params = { path: { id } };
  const give = useWrite('post', '/members/{id}/tags', { invalidate: stale, quiet: true });
  const offered = useList('/tags', {
    params: { query: { brand_id: brand, kind: 'fact', state: 'running', q: word, limit: '100' } },
    enabled: open && Boolean(brand),
  });
  const needed = { required: true, whitespace: true, message: t('tags.needed') };
  const submit = async (v: Gift) => {
    const done = await give.mutateAsync({
      params,
      body: { tag_id: v.tag, value: v.value ?? '', until_at: v.until, reason: v.reason },
    });
    const before = done.before;
    const name = offered.data?.data?.find((x) => x.id === v.tag)?.name ?? '';
    undo(t('tags.given', { name }), (send, why) =>
      before
        ? send(
            'post',
            '/members/{id}/tags',
            { params, body: { tag_id: v.tag, value: before.value, until_at: before.until_at, reason: why } },
            stale,
          )
        : send(
            'post',
            '/members/{id}/tags/take',
            { params, body: { tag_id: v.tag, value: '', until_at: null, reason: why } },
            stale,
          ),
    );
  };
  return (
    <Can do="tag:write">
      <Button type="primary" onClick={() => setOpen(true)}>
        {t('tags.give')}
      </Button>
      <FormDrawer<Gift>
        title={t('tags.give')}
        open={open}
        onClose={() => setOpen(false)}
        initial={{ until: null, reason: '' }}
        onSubmit={submit}
        submit={t('tags.give')}
      >
        {(form, values) => (
          <>
            <Form.Item name="tag" label={t('tags.name')} extra={t('tags.giveText')} rules={[needed]}>
              <Select
                showSearch={{ filterOption: false, onSearch: setWord }}
                placeholder={t('tags.pick')}
                notFoundContent={t('tags.noManual')}
                options={(offered.data?.data ?? []).map((x) => ({ value: x.id, label: x.name }))}
                onChange={() => form.setFieldValue('value', undefined)}
              />
            </Form.Item>
            {values.tag ? <Choice tag={values.tag} held={held.find((h) => h.tag_id === values.tag)} /> : null}
            <Form.Item name="until" label={t('tags.until')} extra={t('tags.untilHint')}>
              <TimeInput placeholder={t('tags.untilTag')} />
            </Form.Item>
            <Form.Item name="reason" label={t('tags.reason')} rules={[needed]}>
              <Input.TextArea rows={2} maxLength={50} showCount placeholder={t('tags.reasonExample')} />
            </Form.Item>
          </>
        )}
      </FormDrawer>
    </Can>
  );
}

/** Choice asks for the value where the tag has several. */
function Choice({ tag, held }: { tag: string; held: Held | undefined }) {
  const { t } = useTranslation('members');
  const found = useGet('/tags/{id}', { params: { path: { id: tag } } }).data;
  const d = found?.versions.find((v) => v.version === found.version)?.definition;
  if (!d) return null;
  if (d.source !== 'manual') return <p role="alert">{t('tags.notManual')}</p>;
  return (
    <>
      {held ? <p className="muted">{t('tags.already', { value: held.value || t('tags.has') })}</p> : null}
      {d.choices.length > 0 ? (
        <Form.Item name="value" label={t('tags.value')} rules={[{ required: true, message: t('tags.needed') }]}>
          <Select placeholder={t('tags.pick')} options={d.choices.map((c) => ({ value: c, label: c }))} />
        </Form.Item>
      ) : null}
    </>
  );
}
