import { QrcodeOutlined } from '@ant-design/icons';
import { Button, Form, Input, Modal, QRCode, Select, Space, Switch } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Body, type Row, useList, useWrite } from '@/api';
import { useCan } from '@/app/session';
import { spoken } from '@/i18n/server';
import { Can, Copy, DataTable, FormDrawer, NumberInput, StateTag, Time } from '@/ui';
import { Act, useWords } from './parts';

type Way = Row<'/accounts/{id}/ways'>;
type Draft = Body<'post', '/accounts/{id}/ways'>;

/** Ways are WeCom's codes that lead into customer groups (群活码): made, looked at, taken back. */
export function Ways({ id }: { id: string }) {
  const { t } = useTranslation('leaders');
  const can = useCan()('wecom:write');
  const states = useWords('wayState');
  const [editing, setEditing] = useState<Way | 'new' | null>(null);
  const [seen, setSeen] = useState(0);
  const [shown, setShown] = useState<Way | null>(null);
  const old = editing !== 'new' ? editing : null;
  const chats = useList('/accounts/{id}/chats', { params: { path: { id }, query: { limit: '100' } } });
  const options = { invalidate: ['/accounts/{id}/ways'], quiet: true, done: t('wecom.waySaved') };
  const create = useWrite('post', '/accounts/{id}/ways', options);
  const update = useWrite('put', '/wecom-ways/{id}', options);
  const make = (
    <Can do="wecom:write">
      <Button type="primary" onClick={() => setEditing('new')}>
        {t('wecom.createWay')}
      </Button>
    </Can>
  );
  return (
    <>
      <DataTable
        id="leaders.ways"
        path="/accounts/{id}/ways"
        params={{ path: { id } }}
        toolbar={make}
        refetchInterval={10_000}
        columns={[
          { key: 'name', title: t('live.name'), render: (w) => w.name },
          {
            key: 'state',
            title: t('people.state'),
            render: (w) => (
              <StateTag
                state={w.state}
                labels={states}
                tone={
                  w.state === 'made' ? 'green' : w.state === 'failed' ? 'red' : w.state === 'unsure' ? 'orange' : 'grey'
                }
              />
            ),
          },
          { key: 'chats', title: t('wecom.chats'), align: 'right', render: (w) => w.chat_ids.length },
          {
            key: 'url',
            title: t('wecom.joinURL'),
            render: (w) =>
              w.join_url ? (
                <Space size={4}>
                  <Copy text={w.join_url} shown={`${w.join_url.slice(0, 28)}…`} />
                  <Button
                    type="text"
                    size="small"
                    icon={<QrcodeOutlined />}
                    aria-label={t('wecom.showCode', { name: w.name })}
                    title={t('wecom.showCode', { name: w.name })}
                    onClick={() => setShown(w)}
                  />
                </Space>
              ) : (
                '—'
              ),
          },
          {
            key: 'error',
            title: t('wecom.error'),
            render: (w) => <span style={{ whiteSpace: 'normal' }}>{spoken(w.error) || '—'}</span>,
          },
          { key: 'at', title: t('rules.created'), render: (w) => <Time at={w.created_at} /> },
        ]}
        actions={
          can
            ? (w, at) =>
                w.state === 'ended' || w.state === 'ending' ? null : (
                  <>
                    <Button
                      type="link"
                      size="small"
                      onClick={() => {
                        setSeen(at);
                        setEditing(w);
                      }}
                    >
                      {t('template.edit')}
                    </Button>
                    {w.error || w.state === 'failed' || w.state === 'unsure' ? (
                      <Act
                        method="post"
                        path="/wecom-ways/{id}/retry"
                        id={w.id}
                        body={() => ({})}
                        danger={false}
                        invalidate={['/accounts/{id}/ways']}
                        done={t('wecom.retried')}
                        trigger={
                          <Button type="link" size="small">
                            {t('wecom.retry')}
                          </Button>
                        }
                        title={t('wecom.retryTitle', { name: w.name })}
                        consequence={spoken(w.error)}
                      />
                    ) : null}
                    <Act
                      method="delete"
                      path="/wecom-ways/{id}"
                      id={w.id}
                      name={w.name}
                      invalidate={['/accounts/{id}/ways']}
                      done={t('wecom.wayEnded')}
                      trigger={
                        <Button type="link" size="small" danger>
                          {t('wecom.endWay')}
                        </Button>
                      }
                      title={t('wecom.endWayTitle', { name: w.name })}
                      consequence={t('wecom.endWayText')}
                    />
                  </>
                )
            : undefined
        }
        empty={{ title: t('wecom.noWays'), text: t('wecom.noWaysText'), action: make, example: t('wecom.wayExample') }}
      />
      <Modal open={shown !== null} title={shown?.name} footer={null} width={320} onCancel={() => setShown(null)}>
        {shown ? (
          <QRCode
            value={shown.join_url}
            type="svg"
            size={240}
            aria-label={t('wecom.codeOf', { name: shown.name })}
            style={{ margin: '0 auto 12px' }}
          />
        ) : null}
        <p className="muted">{t('wecom.codeAbout')}</p>
      </Modal>
      <FormDrawer<Draft>
        title={t(old ? 'wecom.editWay' : 'wecom.createWay')}
        open={editing !== null}
        onClose={() => setEditing(null)}
        initial={
          old
            ? {
                name: old.name,
                way: old.way,
                auto_create_room: old.auto_create_room,
                room_base_name: old.room_base_name,
                room_base_id: old.room_base_id,
                chats: (chats.data?.data ?? []).filter((c) => old.chat_ids.includes(c.chat_id)).map((c) => c.id),
              }
            : { auto_create_room: false }
        }
        seen={seen}
        onSubmit={(v, seen) => {
          const body = {
            ...v,
            way: v.way ?? '',
            room_base_name: v.room_base_name ?? '',
            room_base_id: v.room_base_id ?? 0,
          };
          return old
            ? update.mutateAsync({ params: { path: { id: old.id } }, body, seen })
            : create.mutateAsync({ params: { path: { id } }, body });
        }}
      >
        <Form.Item name="name" label={t('live.name')} rules={[{ required: true, message: t('form.needed') }]}>
          <Input maxLength={30} />
        </Form.Item>
        <Form.Item
          name="chats"
          label={t('wecom.chats')}
          extra={t('wecom.chatsHelp')}
          rules={[{ required: true, message: t('form.needed') }]}
        >
          <Select
            mode="multiple"
            maxCount={5}
            options={(chats.data?.data ?? [])
              .filter((c) => c.state === 'live')
              .map((c) => ({ value: c.id, label: `${c.chat_id.slice(0, 12)}… · ${c.owner} · ${c.size}` }))}
          />
        </Form.Item>
        <Form.Item name="auto_create_room" label={t('wecom.auto')} valuePropName="checked" extra={t('wecom.autoHelp')}>
          <Switch />
        </Form.Item>
        <Form.Item noStyle shouldUpdate={(a, b) => a.auto_create_room !== b.auto_create_room}>
          {(form) =>
            form.getFieldValue('auto_create_room') ? (
              <>
                <Form.Item name="room_base_name" label={t('wecom.base')}>
                  <Input maxLength={40} />
                </Form.Item>
                <Form.Item name="room_base_id" label={t('wecom.baseNo')}>
                  <NumberInput min={0} style={{ width: '100%' }} />
                </Form.Item>
              </>
            ) : null
          }
        </Form.Item>
        <Form.Item name="way" label={t('wecom.token')} extra={t('wecom.tokenHelp')}>
          <Input maxLength={64} />
        </Form.Item>
      </FormDrawer>
    </>
  );
}
