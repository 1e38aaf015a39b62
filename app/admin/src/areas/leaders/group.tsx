import { Button, Form, Progress, Upload } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { useGet, useWrite } from '@/api';
import { mark } from '@/i18n/marks';
import { spoken } from '@/i18n/server';
import {
  Broken,
  Can,
  Copy,
  Detail,
  FormDrawer,
  formatCount,
  NumberInput,
  Page,
  Section,
  StateTag,
  Time,
  TimeInput,
  Trail,
  Waiting,
} from '@/ui';
import { GroupDrawer, groupTone } from './groups';
import { Act, useWords } from './parts';

export function Component() {
  const { t } = useTranslation('leaders');
  const { id = '' } = useParams();
  const states = useWords('groupState');
  const kinds = useWords('groupKind');
  const closedBy = useWords('closedBy');
  const [editing, setEditing] = useState(false);
  const [sending, setSending] = useState(false);
  const { data: g, dataUpdatedAt, error, refetch } = useGet('/groups/{id}', { params: { path: { id } } });
  const qr = useWrite('put', '/groups/{id}/qr', { invalidate: ['/groups'], done: t('group.qrDone'), quiet: true });
  if (error && !g) return <Broken error={error} again={() => void refetch()} />;
  if (!g) return <Waiting />;
  const own = g.kind === 'wechat';
  return (
    <Page
      title={g.name}
      tag={<StateTag state={g.state} labels={states} tone={groupTone(g.state)} />}
      trail={[{ title: t('menu.groups'), to: '/leaders/groups' }]}
      about={kinds[g.kind]}
      actions={
        <Can do="group:write">
          {g.state !== 'closed' ? (
            <>
              {own ? (
                <>
                  <Act
                    method="put"
                    path="/groups/{id}/size"
                    id={g.id}
                    danger={false}
                    seen={dataUpdatedAt}
                    body={(v) => ({ size: v.size })}
                    invalidate={['/groups']}
                    done={t('done.saved')}
                    undo={(send) =>
                      send(
                        'put',
                        '/groups/{id}/size',
                        { params: { path: { id } }, body: { size: g.size }, seen: dataUpdatedAt },
                        ['/groups'],
                      )
                    }
                    trigger={<Button>{t('group.setSize')}</Button>}
                    title={t('group.setSizeTitle')}
                    consequence={t('group.setSizeText')}
                  >
                    <Form.Item
                      name="size"
                      label={t('group.sizeNow')}
                      initialValue={g.size}
                      rules={[{ required: true, message: t('form.needed') }]}
                    >
                      <NumberInput min={0} max={2000} style={{ width: '100%' }} />
                    </Form.Item>
                  </Act>
                  <Button type="primary" onClick={() => setSending(true)}>
                    {t('group.qr')}
                  </Button>
                </>
              ) : null}
              <Button onClick={() => setEditing(true)}>{t('groups.edit')}</Button>
              <Act
                method="post"
                path="/groups/{id}/close"
                id={g.id}
                reason
                invalidate={['/groups']}
                done={t('group.closed')}
                undo={(send, reason) =>
                  send('post', '/groups/{id}/reopen', { params: { path: { id } }, body: { reason } }, ['/groups'])
                }
                trigger={<Button danger>{t('group.close')}</Button>}
                title={t('group.closeTitle', { name: g.name })}
                consequence={t('group.closeText')}
              />
            </>
          ) : (
            <Act
              method="post"
              path="/groups/{id}/reopen"
              id={g.id}
              danger={false}
              reason
              invalidate={['/groups']}
              done={t('group.reopened')}
              undo={(send, reason) =>
                send('post', '/groups/{id}/close', { params: { path: { id } }, body: { reason } }, ['/groups'])
              }
              trigger={<Button type="primary">{t('group.reopen')}</Button>}
              title={t('group.reopenTitle', { name: g.name })}
              consequence={t('group.reopenText')}
            />
          )}
        </Can>
      }
    >
      <Section title={t('group.facts')}>
        <Detail
          items={[
            {
              label: t('role.leader'),
              value: g.leader_id ? (
                <Link to={`/leaders/people/${g.leader_id}`}>{g.leader_name}</Link>
              ) : (
                t('groups.office')
              ),
            },
            { label: t('groups.owner'), value: g.owner_name },
            { label: t('groups.city'), value: [g.province, g.city].filter(Boolean).join(' ') },
            {
              label: t('group.sizeNow'),
              value: t('group.sizeOf', { n: formatCount(g.size), of: formatCount(g.capacity) }),
            },
            { label: t('group.sizeAt'), value: <Time at={g.size_at} /> },
            {
              label: t('group.left'),
              value: t('group.leftOf', {
                n: formatCount(g.left),
                pending: g.pending,
                scan: formatCount(g.scan_capacity),
              }),
            },
            { label: t('group.code'), value: g.qr ? <Copy text={g.qr} /> : t('groups.noQR') },
            {
              label: t('groups.qrExpires'),
              value: g.qr ? g.qr_expires_at ? <Time at={g.qr_expires_at} /> : t('groups.qrForever') : null,
            },
            g.state === 'closed'
              ? {
                  label: t('group.closedWhy'),
                  value: `${g.reason}${mark('（')}${closedBy[g.closed_by] ?? g.closed_by}${mark('）')}`,
                }
              : null,
            { label: t('group.created'), value: <Time at={g.created_at} /> },
          ]}
        />
      </Section>
      <Section title={g.health.known ? t('group.health', { n: g.health.score }) : t('group.healthUnknown')}>
        <ul className="cards" style={{ gridTemplateColumns: 'repeat(auto-fill, minmax(240px, 1fr))' }}>
          {g.health.parts.map((p) => (
            <li key={p.key} className="card">
              <div className="card-line">
                <strong>{spoken(p.name)}</strong>
                <span className="muted">{t('group.weight', { n: p.weight })}</span>
              </div>
              {p.known ? (
                <Progress
                  percent={p.score}
                  size="small"
                  aria-label={spoken(p.name)}
                  format={(n) => String(n)}
                  strokeColor={p.score < 40 ? '#cf1322' : p.score < 70 ? '#d46b08' : '#389e0d'}
                />
              ) : (
                <span className="muted">{t('group.unknown')}</span>
              )}
              <div className="muted">{spoken(p.text)}</div>
            </li>
          ))}
        </ul>
      </Section>
      {g.kit.welcome || g.kit.materials.length || g.kit.tasks.length ? (
        <Section title={t('group.kit')}>
          <Detail
            columns={1}
            items={[
              { label: t('template.welcome'), value: g.kit.welcome },
              { label: t('template.materials'), value: g.kit.materials.map((m) => m.title).join(mark('、')) },
              { label: t('template.tasks'), value: g.kit.tasks.join(mark('；')) },
            ]}
          />
        </Section>
      ) : null}
      <Trail object="group" id={g.id} />
      <GroupDrawer group={g} seen={dataUpdatedAt} open={editing} onClose={() => setEditing(false)} />
      <FormDrawer<{ file: { originFileObj?: File }[]; expires_at?: string | null }>
        title={t('group.qr')}
        open={sending}
        onClose={() => setSending(false)}
        seen={dataUpdatedAt}
        onSubmit={(v, seen) => {
          const form = new FormData();
          const file = v.file?.[0]?.originFileObj;
          if (file) form.append('file', file);
          if (v.expires_at) form.append('expires_at', v.expires_at);
          return qr.mutateAsync({ params: { path: { id } }, body: form, seen });
        }}
      >
        <p className="muted">{t('group.qrAbout')}</p>
        <Form.Item
          name="file"
          label={t('group.qrFile')}
          valuePropName="fileList"
          getValueFromEvent={(e: { fileList: unknown[] }) => e.fileList.slice(-1)}
          rules={[{ required: true, message: t('form.needed') }]}
        >
          <Upload accept="image/png,image/jpeg" maxCount={1} beforeUpload={() => false} listType="picture">
            <Button>{t('group.qrChoose')}</Button>
          </Upload>
        </Form.Item>
        <Form.Item name="expires_at" label={t('groups.qrExpires')} extra={t('group.qrExpiresHelp')}>
          <TimeInput />
        </Form.Item>
      </FormDrawer>
    </Page>
  );
}
