import { Button, Form, Input, Select, Tag, Upload } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { useGet, useList, useWrite } from '@/api';
import { addressOf } from '@/api/client';
import { useBrandID } from '@/app/brand';
import { spoken } from '@/i18n/server';
import { Can, Danger, DataTable, FormDrawer, Page, Section, StateTag, Time, Trail, useUndo } from '@/ui';
import { Tabs, useOptions } from './parts';

export function Component() {
  const { t } = useTranslation('leaders');
  return (
    <Page title={t('menu.posters')} about={t('posters.about')}>
      <Tabs
        tabs={[
          { key: 'templates', label: t('posters.templates'), content: () => <Templates /> },
          { key: 'pictures', label: t('posters.pictures'), content: () => <Pictures /> },
        ]}
      />
    </Page>
  );
}

/** Use makes a template the one that the brand's people get. */
export function Use({ template, builtin, name }: { template?: string; builtin?: string; name: string }) {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const codes = useOptions('posterCode');
  const now = useGet('/brands/{id}/poster', { params: { path: { id: brand } }, enabled: Boolean(brand) });
  const choose = useWrite('put', '/brands/{id}/poster', {
    invalidate: ['/brands/{id}/poster'],
    quiet: true,
  });
  const offer = useUndo();
  return (
    <Can do="poster:write">
      <Danger
        trigger={<Button size="small">{t('posters.use')}</Button>}
        title={t('posters.useTitle', { name })}
        consequence={t('posters.useText')}
        danger={false}
        seen={now.dataUpdatedAt}
        onConfirm={async (v, seen) => {
          const params = { path: { id: brand } };
          const before = now.data;
          await choose.mutateAsync({
            params,
            seen,
            body: {
              ...(template ? { template_id: template } : { template_id: null, builtin }),
              code: String(v.code ?? 'link'),
            },
          });
          if (!before) return;
          const { template_id, builtin: drawn, code } = before;
          offer(t('posters.chosen'), (send) =>
            send('put', '/brands/{id}/poster', { params, body: { template_id, builtin: drawn, code }, seen }, [
              '/brands/{id}/poster',
            ]),
          );
        }}
      >
        <Form.Item name="code" label={t('posters.code')} initialValue={now.data?.code || 'link'}>
          <Select options={codes} />
        </Form.Item>
      </Danger>
    </Can>
  );
}

function Templates() {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const navigate = useNavigate();
  const [open, setOpen] = useState(false);
  const builtins = useGet('/poster-builtins');
  const chosen = useGet('/brands/{id}/poster', { params: { path: { id: brand } }, enabled: Boolean(brand) });
  const create = useWrite('post', '/posters', {
    invalidate: ['/posters'],
    done: t('done.saved'),
    quiet: true,
    onDone: (x) => navigate(`/leaders/posters/${x.id}`),
  });
  const make = (
    <Can do="poster:write">
      <Button type="primary" onClick={() => setOpen(true)}>
        {t('posters.create')}
      </Button>
    </Can>
  );
  const list = builtins.data ?? [];
  const now = chosen.data;
  const current = now?.template_id ? '' : now?.builtin || list[0]?.key;
  return (
    <>
      <Section title={t('posters.builtins')}>
        <ul className="cards" style={{ gridTemplateColumns: 'repeat(auto-fill, minmax(180px, 1fr))' }}>
          {brand
            ? list.map((b) => (
                <li key={b.key} className="card">
                  <img
                    src={addressOf('/brands/{id}/poster/preview', {
                      path: { id: brand },
                      query: { builtin: b.key, format: 'svg' },
                    })}
                    alt={t('posters.preview', { name: spoken(b.name) })}
                    style={{ width: '100%', border: '1px solid #f0f0f0' }}
                    loading="lazy"
                  />
                  <div className="card-line" style={{ marginTop: 8 }}>
                    <strong>{spoken(b.name)}</strong>
                    {b.key === current ? (
                      <Tag color="blue">{t('posters.current')}</Tag>
                    ) : (
                      <Use builtin={b.key} name={spoken(b.name)} />
                    )}
                  </div>
                </li>
              ))
            : null}
        </ul>
      </Section>
      <DataTable
        id="leaders.posters"
        path="/posters"
        enabled={Boolean(brand)}
        params={{ query: { brand_id: brand } }}
        toolbar={make}
        to={(x) => `/leaders/posters/${x.id}`}
        columns={[
          { key: 'name', title: t('template.name'), render: (x) => x.name },
          {
            key: 'state',
            title: t('people.state'),
            render: (x) => (
              <StateTag
                state={x.state}
                labels={{ live: t('posters.live'), retired: t('posters.retired') }}
                tone={x.state === 'live' ? 'green' : 'grey'}
              />
            ),
          },
          {
            key: 'use',
            title: t('posters.inUse'),
            render: (x) => (x.id === now?.template_id ? <Tag color="blue">{t('posters.current')}</Tag> : '—'),
          },
          { key: 'version', title: t('rules.version'), render: (x) => `v${x.version}` },
          { key: 'at', title: t('rulesForm.changed'), render: (x) => <Time at={x.changed_at} /> },
        ]}
        empty={{ title: t('posters.empty'), text: t('posters.emptyText'), action: make, example: t('posters.example') }}
      />
      <Trail object="poster_choice" id={brand} />
      <FormDrawer<{ name: string; from: string }>
        title={t('posters.create')}
        open={open}
        onClose={() => setOpen(false)}
        initial={{ from: list[0]?.key }}
        onSubmit={(v) => create.mutateAsync({ body: { ...v, brand_id: brand } })}
      >
        <p className="muted">{t('posters.createAbout')}</p>
        <Form.Item name="name" label={t('template.name')} rules={[{ required: true, message: t('form.needed') }]}>
          <Input maxLength={40} />
        </Form.Item>
        <Form.Item name="from" label={t('posters.from')}>
          <Select options={list.map((b) => ({ value: b.key, label: spoken(b.name) }))} />
        </Form.Item>
      </FormDrawer>
    </>
  );
}

function Pictures() {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const [open, setOpen] = useState(false);
  const { data } = useList('/poster-pictures', {
    params: { query: { brand_id: brand, limit: '100' } },
    enabled: Boolean(brand),
  });
  const add = useWrite('post', '/poster-pictures', {
    invalidate: ['/poster-pictures'],
    done: t('done.saved'),
    quiet: true,
  });
  const pictures = data?.data ?? [];
  return (
    <Section
      title={t('posters.pictures')}
      extra={
        <Can do="poster:write">
          <Button type="primary" onClick={() => setOpen(true)}>
            {t('posters.upload')}
          </Button>
        </Can>
      }
    >
      {pictures.length === 0 ? <p className="muted">{t('posters.noPictures')}</p> : null}
      <ul className="cards" style={{ gridTemplateColumns: 'repeat(auto-fill, minmax(180px, 1fr))' }}>
        {pictures.map((p) => (
          <li key={p.id} className="card">
            <img
              src={addressOf('/poster-pictures/{id}/file', { path: { id: p.id } })}
              alt={p.name}
              style={{ width: '100%' }}
              loading="lazy"
            />
            <div>{p.name}</div>
            <span className="muted">
              {p.width_px} × {p.height_px}
            </span>
          </li>
        ))}
      </ul>
      <FormDrawer<{ name: string; file: { originFileObj?: File }[] }>
        title={t('posters.upload')}
        open={open}
        onClose={() => setOpen(false)}
        onSubmit={(v) => {
          const form = new FormData();
          const file = v.file?.[0]?.originFileObj;
          if (file) form.append('file', file);
          form.append('brand_id', brand);
          form.append('name', v.name);
          return add.mutateAsync({ body: form });
        }}
      >
        <Form.Item name="name" label={t('live.name')} rules={[{ required: true, message: t('form.needed') }]}>
          <Input maxLength={40} />
        </Form.Item>
        <Form.Item
          name="file"
          label={t('group.qrChoose')}
          valuePropName="fileList"
          getValueFromEvent={(e: { fileList: unknown[] }) => e.fileList.slice(-1)}
          rules={[{ required: true, message: t('form.needed') }]}
        >
          <Upload accept="image/png,image/jpeg" maxCount={1} beforeUpload={() => false} listType="picture">
            <Button>{t('group.qrChoose')}</Button>
          </Upload>
        </Form.Item>
      </FormDrawer>
    </Section>
  );
}
