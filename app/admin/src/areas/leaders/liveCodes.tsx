import { Button, Form, Input, Radio, Select, Space, Switch } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { type Body, type Data, type Row, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { Can, DataTable, FormDrawer, formatCount, NumberInput, Page, StateTag, Time } from '@/ui';
import { useWords } from './parts';
import { useGroups, useLeaders } from './sources';

type Code = Row<'/live-codes'>;
type Draft = Body<'post', '/live-codes'>;
type View = Data<'get', '/live-codes/{id}'>;

export function Component() {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const states = useWords('liveState');
  const strategies = useWords('strategy');
  const [open, setOpen] = useState(false);
  const create = (
    <Can do="group:write">
      <Button type="primary" onClick={() => setOpen(true)}>
        {t('live.create')}
      </Button>
    </Can>
  );
  return (
    <Page title={t('menu.live')} about={t('live.about')} actions={create}>
      <DataTable
        id="leaders.live"
        path="/live-codes"
        enabled={Boolean(brand)}
        params={{ query: { brand_id: brand } }}
        to={(l: Code) => `/leaders/live-codes/${l.id}`}
        columns={[
          { key: 'name', title: t('live.name'), render: (l) => l.name },
          { key: 'state', title: t('people.state'), render: (l) => <StateTag state={l.state} labels={states} /> },
          { key: 'strategy', title: t('live.strategy'), render: (l) => strategies[l.strategy] ?? l.strategy },
          {
            key: 'targets',
            title: t('live.targets'),
            about: t('live.targetsAbout'),
            align: 'right',
            render: (l) => `${l.targets.filter((x) => x.state === 'live').length} / ${l.targets.length}`,
          },
          {
            key: 'handed',
            title: t('live.handed'),
            align: 'right',
            render: (l) => formatCount(l.targets.reduce((n, x) => n + x.handed, 0)),
          },
          {
            key: 'region',
            title: t('live.region'),
            render: (l) => [l.province, l.city].filter(Boolean).join(' ') || t('live.anywhere'),
          },
          { key: 'at', title: t('rules.created'), render: (l) => <Time at={l.created_at} /> },
        ]}
        empty={{ title: t('live.empty'), text: t('live.emptyText'), action: create, example: t('live.example') }}
      />
      <LiveDrawer open={open} onClose={() => setOpen(false)} />
    </Page>
  );
}

/** LiveDrawer makes a live code or changes its rules; what is printed stays the same. */
export function LiveDrawer({
  code,
  seen,
  open,
  onClose,
}: {
  code?: View;
  /** When it was read. */
  seen?: number;
  open: boolean;
  onClose: () => void;
}) {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const navigate = useNavigate();
  const groups = useGroups();
  const leaders = useLeaders();
  const options = { invalidate: ['/live-codes'], quiet: true, done: t('done.saved') };
  const create = useWrite('post', '/live-codes', {
    ...options,
    onDone: (l) => navigate(`/leaders/live-codes/${l.id}`),
  });
  const update = useWrite('put', '/live-codes/{id}', options);
  return (
    <FormDrawer<Draft>
      title={t(code ? 'live.edit' : 'live.create')}
      open={open}
      onClose={onClose}
      width={640}
      initial={
        code
          ? {
              name: code.name,
              strategy: code.strategy,
              region_first: code.region_first,
              leader_id: code.leader_id ?? undefined,
              province: code.province,
              city: code.city,
              fallback_text: code.fallback_text,
              fallback_qr: code.fallback_qr,
              targets: code.targets.map((x) => ({ community_id: x.community_id, max_handed: x.max_handed })),
            }
          : { strategy: 'fill', targets: [{}], fallback_text: t('live.fallbackDefault') }
      }
      seen={seen}
      onSubmit={(v, seen) => {
        const body = {
          ...v,
          brand_id: brand,
          targets: (v.targets ?? []).map((x) => ({ ...x, max_handed: x.max_handed ?? 0 })),
        };
        return code
          ? update.mutateAsync({ params: { path: { id: code.id } }, body, seen })
          : create.mutateAsync({ body });
      }}
    >
      <Form.Item
        name="name"
        label={t('live.name')}
        extra={t('live.nameHelp')}
        rules={[{ required: true, message: t('form.needed') }]}
      >
        <Input maxLength={64} />
      </Form.Item>
      <Form.Item name="strategy" label={t('live.strategy')}>
        <Radio.Group options={['fill', 'spread'].map((v) => ({ value: v, label: t(`strategy.${v}`) }))} />
      </Form.Item>
      <Form.Item
        name="region_first"
        label={t('live.regionFirst')}
        extra={t('live.regionFirstHelp')}
        valuePropName="checked"
      >
        <Switch />
      </Form.Item>
      <Form.List name="targets">
        {(fields, { add, remove, move }) => (
          <div style={{ marginBottom: 16 }}>
            <p style={{ margin: '0 0 8px' }}>{t('live.targetsForm')}</p>
            {fields.map((f, i) => (
              <Space key={f.key} align="baseline" wrap>
                <Form.Item
                  name={[f.name, 'community_id']}
                  label={t('live.target', { n: i + 1 })}
                  rules={[{ required: true, message: t('form.needed') }]}
                >
                  <Select style={{ width: 260 }} options={groups} showSearch={{ optionFilterProp: 'label' }} />
                </Form.Item>
                <Form.Item name={[f.name, 'max_handed']} label={t('live.max')}>
                  <NumberInput min={0} placeholder={t('rules.noCap')} />
                </Form.Item>
                <Button
                  size="small"
                  disabled={i === 0}
                  onClick={() => move(i, i - 1)}
                  aria-label={t('live.up', { n: i + 1 })}
                >
                  ↑
                </Button>
                <Button size="small" danger onClick={() => remove(f.name)}>
                  {t('live.remove')}
                </Button>
              </Space>
            ))}
            <div>
              <Button onClick={() => add({})}>{t('live.addTarget')}</Button>
            </div>
          </div>
        )}
      </Form.List>
      <Form.Item name="leader_id" label={t('live.leader')}>
        <Select
          allowClear
          options={leaders}
          placeholder={t('live.anyLeader')}
          showSearch={{ optionFilterProp: 'label' }}
        />
      </Form.Item>
      <Space wrap>
        <Form.Item name="province" label={t('live.onlyProvince')}>
          <Input maxLength={32} />
        </Form.Item>
        <Form.Item name="city" label={t('live.onlyCity')}>
          <Input maxLength={32} />
        </Form.Item>
      </Space>
      <Form.Item
        name="fallback_text"
        label={t('live.fallback')}
        rules={[{ required: true, message: t('form.needed') }]}
      >
        <Input.TextArea rows={2} maxLength={200} />
      </Form.Item>
      <Form.Item name="fallback_qr" label={t('live.fallbackQR')} extra={t('live.fallbackQRHelp')}>
        <Input maxLength={256} placeholder="https://work.weixin.qq.com/kfid/…" />
      </Form.Item>
    </FormDrawer>
  );
}
