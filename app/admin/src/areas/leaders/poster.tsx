import { Button, Form, Input, Select, Space, Switch } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { type Data, useGet, useList, useWrite } from '@/api';
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
import { Use } from './posters';

type Layout = NonNullable<Data<'get', '/posters/{id}'>['layout']>;
type Slot = Layout['slots'][number];
type Values = { name: string; layout: Layout };

const words = new Set(['title', 'subtitle', 'words', 'legal', 'name', 'initial']);
const pictures = new Set(['product']);

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
  if (error) return <Broken error={error} again={() => void refetch()} />;
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

/** Drawing shows a layout while it is edited; the server's own picture is the saved one. */
function Drawing({ layout: l, picked, onPick }: { layout: Layout; picked: number; onPick: (n: number) => void }) {
  const { t } = useTranslation('leaders');
  return (
    <svg
      viewBox={`0 0 ${l.width_px} ${l.height_px}`}
      width={300}
      style={{ maxWidth: '100%', border: '1px solid #f0f0f0' }}
      role="img"
      aria-label={t('posters.livePreview')}
    >
      <defs>
        <linearGradient id="poster-bg" x1="0" y1="0" x2="0" y2="1">
          <stop offset="0" stopColor={l.from} />
          <stop offset="1" stopColor={l.to || l.from} />
        </linearGradient>
      </defs>
      <rect width={l.width_px} height={l.height_px} fill="url(#poster-bg)" />
      {l.picture_id ? (
        <image
          href={addressOf('/poster-pictures/{id}/file', { path: { id: l.picture_id } })}
          width={l.width_px}
          height={l.height_px}
          preserveAspectRatio="xMidYMid slice"
        />
      ) : null}
      {(l.slots ?? []).map((s, i) => (
        // biome-ignore lint/a11y/noStaticElementInteractions: the select beside it does the same with the keyboard
        // biome-ignore lint/suspicious/noArrayIndexKey: slots have no key but their place
        <g key={i} onClick={() => onPick(i)} style={{ cursor: 'pointer' }}>
          <Mark s={s} />
          <rect
            x={s.x}
            y={s.y}
            width={Math.max(0, s.w ?? 0)}
            height={Math.max(0, s.h ?? 0)}
            fill="transparent"
            stroke={i === picked ? '#0958d9' : 'transparent'}
            strokeWidth={4}
            strokeDasharray="10 6"
          />
        </g>
      ))}
    </svg>
  );
}

function Mark({ s }: { s: Slot }) {
  const { t } = useTranslation('leaders');
  const size = s.size_px || 32;
  const middle = s.align === 'center' || s.kind === 'initial';
  const x = s.x + (middle ? s.w / 2 : s.align === 'right' ? s.w : 0);
  const box = { x: s.x, y: s.y, width: Math.max(0, s.w ?? 0), height: Math.max(0, s.h ?? 0) };
  if (s.kind === 'panel') return <rect {...box} rx={s.radius_px ?? 0} fill={s.fill ?? '#ffffff'} />;
  if (s.kind === 'qr')
    return (
      <>
        <rect {...box} fill="#ffffff" />
        <rect x={s.x + s.w * 0.1} y={s.y + s.h * 0.1} width={s.w * 0.8} height={s.h * 0.8} fill="#222222" />
        <text
          x={s.x + s.w / 2}
          y={s.y + s.h / 2}
          fill="#ffffff"
          fontSize={s.w / 6}
          textAnchor="middle"
          dominantBaseline="middle"
        >
          {t('slot.qr')}
        </text>
      </>
    );
  if (pictures.has(s.kind)) {
    return s.picture_id ? (
      <image
        href={addressOf('/poster-pictures/{id}/file', { path: { id: s.picture_id } })}
        {...box}
        preserveAspectRatio="xMidYMid slice"
      />
    ) : (
      <rect {...box} fill="#00000014" />
    );
  }
  const text =
    s.kind === 'name'
      ? t('posters.sampleName')
      : s.kind === 'initial'
        ? t('posters.sampleName').slice(0, 1)
        : (s.text ?? '')
            .replace('{brand}', t('posters.sampleBrand'))
            .replace('{name}', t('posters.sampleName'))
            .replace('{role}', t('role.leader'));
  const perLine = Math.max(1, Math.floor(s.w / size));
  const lines = text.split('\n').flatMap((line) => line.match(new RegExp(`.{1,${perLine}}`, 'gu')) ?? ['']);
  return (
    <>
      {s.kind === 'initial' ? (
        <circle cx={s.x + s.w / 2} cy={s.y + s.h / 2} r={s.w / 2} fill={s.fill ?? '#dddddd'} />
      ) : null}
      {lines.map((line, i) => (
        <text
          // biome-ignore lint/suspicious/noArrayIndexKey: lines have no key but their place
          key={i}
          x={x}
          y={s.kind === 'initial' ? s.y + s.h / 2 + size * 0.36 : s.y + size * (1 + i * 1.4)}
          fontSize={size}
          fontWeight={s.bold ? 700 : 400}
          fill={s.color ?? '#333333'}
          textAnchor={middle ? 'middle' : s.align === 'right' ? 'end' : 'start'}
        >
          {line}
        </text>
      ))}
    </>
  );
}
