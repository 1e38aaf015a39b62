import { Button, Form, Input, Select, Space, Switch } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { useGet, useList, useWrite } from '@/api';
import { addressOf } from '@/api/client';
import { ApiError } from '@/api/error';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import {
  Broken,
  Can,
  FaultAlert,
  NumberInput,
  Page,
  Section,
  StateTag,
  Table,
  Time,
  Trail,
  useFilled,
  Waiting,
} from '@/ui';
import { Act, useOptions } from './parts';
import { Drawing, type Layout, pictures, type Slot } from './posterDrawing';
import { Use } from './posters';

type Values = { name: string; layout: Layout };

const words = new Set(['title', 'subtitle', 'words', 'legal', 'name', 'initial']);

export function Component() {
  const { t } = useTranslation('leaders');
  const { id = '' } = useParams();
  const may = useCan()('poster:write');
  const [form] = Form.useForm<Values>();
  const [fault, setFault] = useState<unknown>(null);
  const [picked, setPicked] = useState(0);
  const { data: x, dataUpdatedAt, error, refetch } = useGet('/posters/{id}', { params: { path: { id } } });
  const versions = useGet('/posters/{id}/versions', { params: { path: { id } } });
  const save = useWrite('put', '/posters/{id}', { invalidate: ['/posters'], done: t('done.saved'), quiet: true });
  const values = Form.useWatch([], { form, preserve: true }) as Values | undefined;
  const filled = useFilled(form, { data: x?.layout ? x : undefined, seen: dataUpdatedAt, of: id }, (read) => ({
    name: read.name,
    layout: read.layout,
  }));
  if (error && !x) return <Broken error={error} again={() => void refetch()} />;
  if (!x?.layout) return <Waiting />;
  const submit = async () => {
    const read = filled.now();
    if (!read) return;
    setFault(null);
    const v = form.getFieldsValue(true) as Values;
    const body = { name: v.name, version: read.data.version, layout: v.layout };
    try {
      await filled.save(() => save.mutateAsync({ params: { path: { id } }, body, seen: read.seen }));
    } catch (e) {
      setFault(e);
      if (!(e instanceof ApiError)) throw e;
    }
  };
  const layout = (values?.layout ?? x.layout) as Layout;
  return (
    <Page
      title={x.name}
      tag={
        <StateTag
          state={x.state}
          labels={{ live: t('posters.live'), retired: t('posters.retired') }}
          tone={x.state === 'live' ? 'green' : 'grey'}
        />
      }
      trail={[{ title: t('menu.posters'), to: '/leaders/posters' }]}
      actions={
        x.state === 'live' ? (
          <>
            <Use template={x.id} name={x.name} />
            <Button
              href={addressOf('/posters/{id}/preview', { path: { id }, query: { format: 'png' } })}
              target="_blank"
            >
              {t('posters.png')}
            </Button>
            <Can do="poster:write">
              <Act
                method="post"
                path="/posters/{id}/retire"
                id={x.id}
                name={x.name}
                body={() => ({})}
                invalidate={['/posters']}
                done={t('posters.retiredDone')}
                trigger={<Button danger>{t('posters.retire')}</Button>}
                title={t('posters.retireTitle', { name: x.name })}
                consequence={t('posters.retireText')}
              />
            </Can>
          </>
        ) : null
      }
    >
      <div style={{ display: 'flex', flexWrap: 'wrap', gap: 16, alignItems: 'flex-start' }}>
        <div style={{ flex: '0 1 350px', minWidth: 0 }}>
          <Section title={t('posters.livePreview')}>
            <Drawing layout={layout} picked={picked} onPick={setPicked} />
            <p className="muted">{t('posters.liveAbout')}</p>
          </Section>
        </div>
        <div style={{ flex: '1 1 420px', minWidth: 0 }}>
          <Section title={t('posters.layout')} extra={<span className="muted">v{x.version}</span>}>
            <FaultAlert
              fault={fault}
              again={() => {
                setFault(null);
                filled.again();
              }}
            />
            <Form form={form} layout="vertical" disabled={!may || x.state !== 'live'} onFinish={() => void submit()}>
              <Form.Item name="name" label={t('template.name')} rules={[{ required: true, message: t('form.needed') }]}>
                <Input maxLength={40} />
              </Form.Item>
              <Space wrap>
                <Form.Item name={['layout', 'from']} label={t('posters.background')}>
                  <Input style={{ width: 120 }} />
                </Form.Item>
                <Form.Item name={['layout', 'to']} label={t('posters.backgroundTo')}>
                  <Input style={{ width: 120 }} />
                </Form.Item>
              </Space>
              <Form.List name={['layout', 'slots']}>
                {(fields, { add, remove }) => {
                  const at = fields[Math.min(picked, fields.length - 1)];
                  return (
                    <>
                      <Form.Item label={t('posters.slot')}>
                        <SlotPick slots={layout.slots} value={picked} onChange={setPicked} />
                      </Form.Item>
                      {at ? <SlotFields key={at.key} name={at.name} slot={layout.slots[at.name]} /> : null}
                      <Space style={{ marginBottom: 16 }} wrap>
                        <Button
                          onClick={() => {
                            add({
                              kind: 'words',
                              x: 80,
                              y: 80,
                              w: 400,
                              h: 80,
                              text: t('posters.newText'),
                              size_px: 36,
                              color: '#333333',
                            });
                            setPicked(fields.length);
                          }}
                        >
                          {t('posters.addText')}
                        </Button>
                        {at && !['qr', 'legal'].includes(layout.slots[at.name]?.kind ?? '') ? (
                          <Button
                            danger
                            onClick={() => {
                              remove(at.name);
                              setPicked(0);
                            }}
                          >
                            {t('posters.removeSlot')}
                          </Button>
                        ) : null}
                      </Space>
                    </>
                  );
                }}
              </Form.List>
              {may && x.state === 'live' ? (
                <div>
                  <Button type="primary" htmlType="submit" loading={save.isPending}>
                    {t('programme.save')}
                  </Button>
                </div>
              ) : null}
            </Form>
          </Section>
          <Section title={t('rules.versions')}>
            <Table
              rows={versions.data ?? []}
              rowKey={(v) => String(v.version)}
              columns={[
                { key: 'v', title: t('rules.version'), render: (v) => `v${v.version}` },
                { key: 'at', title: t('rules.created'), render: (v) => <Time at={v.created_at} /> },
                {
                  key: 'look',
                  title: t('posters.look'),
                  render: (v) => (
                    <a
                      href={addressOf('/posters/{id}/preview', {
                        path: { id },
                        query: { version: v.version, format: 'svg' },
                      })}
                      target="_blank"
                      rel="noreferrer"
                    >
                      {t('posters.look')}
                    </a>
                  ),
                },
              ]}
            />
          </Section>
          <Trail object="poster" id={x.id} />
        </div>
      </div>
    </Page>
  );
}

function SlotPick({
  slots,
  value,
  onChange,
  id,
}: {
  slots: readonly Slot[];
  value: number;
  onChange: (n: number) => void;
  id?: string;
}) {
  const { t } = useTranslation('leaders');
  return (
    <Select
      id={id}
      aria-label={t('posters.slot')}
      disabled={false}
      value={Math.min(value, slots.length - 1)}
      onChange={onChange}
      options={slots.map((s, i) => ({
        value: i,
        label: `${i + 1}. ${t(`slot.${s?.kind}`)}${s?.text ? ` · ${s.text.slice(0, 16)}` : ''}`,
      }))}
    />
  );
}

/** SlotFields are the numbers of one slot, in pixels of the poster. */
function SlotFields({ name, slot }: { name: number; slot: Slot | undefined }) {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const aligns = useOptions('align');
  const kind = slot?.kind ?? '';
  const { data } = useList('/poster-pictures', {
    params: { query: { brand_id: brand, limit: '100' } },
    enabled: Boolean(brand) && pictures.has(kind),
  });
  return (
    <>
      <Space wrap>
        {(['x', 'y', 'w', 'h'] as const).map((k) => (
          <Form.Item key={k} name={[name, k]} label={t(`posters.${k}`)}>
            <NumberInput style={{ width: 96 }} />
          </Form.Item>
        ))}
      </Space>
      {words.has(kind) && kind !== 'name' && kind !== 'initial' ? (
        <Form.Item name={[name, 'text']} label={t('work.text')} extra={t('posters.textHelp')}>
          <Input.TextArea rows={2} />
        </Form.Item>
      ) : null}
      <Space wrap>
        {words.has(kind) ? (
          <>
            <Form.Item name={[name, 'size_px']} label={t('posters.size')}>
              <NumberInput min={8} style={{ width: 96 }} />
            </Form.Item>
            <Form.Item name={[name, 'align']} label={t('posters.align')}>
              <Select style={{ width: 110 }} options={aligns} />
            </Form.Item>
            <Form.Item name={[name, 'color']} label={t('posters.color')}>
              <Input style={{ width: 110 }} placeholder="#333333" />
            </Form.Item>
            <Form.Item name={[name, 'bold']} label={t('posters.bold')} valuePropName="checked">
              <Switch />
            </Form.Item>
          </>
        ) : null}
        {kind === 'panel' || kind === 'initial' ? (
          <>
            <Form.Item name={[name, 'fill']} label={t('posters.fill')}>
              <Input style={{ width: 110 }} />
            </Form.Item>
            <Form.Item name={[name, 'radius_px']} label={t('posters.radius')}>
              <NumberInput min={0} style={{ width: 96 }} />
            </Form.Item>
          </>
        ) : null}
        {pictures.has(kind) ? (
          <Form.Item name={[name, 'picture_id']} label={t('posters.picture')}>
            <Select
              style={{ width: 200 }}
              allowClear
              options={(data?.data ?? []).map((p) => ({ value: p.id, label: p.name }))}
            />
          </Form.Item>
        ) : null}
      </Space>
    </>
  );
}
