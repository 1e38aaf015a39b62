import { Alert, Button, Form, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Row, useGet, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { mark } from '@/i18n/marks';
import { Can, Danger, DataTable, Detail, FormDrawer, Page, StateTag, Time, Waiting } from '@/ui';

type Letter = Row<'/events/dead'>;

/** Letters are events of partners that could not be stored (死信): corrected and replayed, or
 * thrown away. */
export function Component() {
  const { t } = useTranslation('members');
  const brand = useBrandID();
  const [open, setOpen] = useState('');
  const discard = useWrite('post', '/events/dead/{id}/discard', {
    invalidate: ['/events'],
    done: t('letters.discarded'),
    quiet: true,
  });
  const labels = { waiting: t('letters.waiting'), replayed: t('letters.replayed'), discarded: t('letters.thrown') };
  return (
    <Page title={t('menu.letters')} about={t('letters.about')} watermark>
      <DataTable
        id="letters"
        path="/events/dead"
        params={{ query: { brand_id: brand, total: '1' } as object }}
        enabled={Boolean(brand)}
        filters={[
          {
            name: 'state',
            label: t('list.state'),
            kind: 'select',
            options: Object.entries(labels).map(([value, label]) => ({ value, label })),
          },
        ]}
        columns={[
          { key: 'key', title: t('letters.key'), render: (l: Letter) => l.key },
          { key: 'reason', title: t('letters.why'), render: (l: Letter) => l.reason },
          {
            key: 'state',
            title: t('list.state'),
            render: (l: Letter) => (
              <StateTag
                state={l.state}
                labels={labels}
                tone={l.state === 'replayed' ? 'green' : l.state === 'waiting' ? 'orange' : 'grey'}
              />
            ),
          },
          { key: 'at', title: t('identity.at'), render: (l: Letter) => <Time at={l.created_at} /> },
        ]}
        expand={(l: Letter) => <Content id={l.id ?? ''} />}
        actions={(l: Letter) =>
          l.state === 'waiting' ? (
            <Can do="event:replay">
              <Button size="small" type="primary" onClick={() => setOpen(l.id ?? '')}>
                {t('letters.replay')}
              </Button>
              <Danger
                trigger={<Button size="small">{t('letters.discard')}</Button>}
                title={t('letters.discardTitle')}
                consequence={t('letters.discardText')}
                reason
                onConfirm={({ reason }) =>
                  discard.mutateAsync({ params: { path: { id: l.id ?? '' } }, body: { reason } })
                }
              />
            </Can>
          ) : null
        }
        empty={{ title: t('letters.none'), text: t('letters.noneText'), example: t('letters.noneExample') }}
      />
      <Replay id={open} onClose={() => setOpen('')} />
    </Page>
  );
}

function Content({ id }: { id: string }) {
  const { t } = useTranslation('members');
  const { data } = useGet('/events/dead/{id}', { params: { path: { id } } });
  const c = data?.content;
  if (!data) return <Waiting height={60} />;
  if (!c) return <span className="muted">{t('letters.noContent')}</span>;
  return (
    <>
      <Detail
        items={[
          { label: t('letters.type'), value: t(`story.kind.${c.type}`, { defaultValue: c.type }) },
          { label: t('identity.at'), value: <Time at={c.at} /> },
          {
            label: t('letters.person'),
            wide: true,
            value: (c.person ?? []).map((p) => `${p.kind} ${p.value}`).join(mark('、')),
          },
        ]}
      />
      <pre style={{ overflow: 'auto', maxHeight: 240 }}>{JSON.stringify(c.body, null, 2)}</pre>
    </>
  );
}

function Replay({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useTranslation('members');
  const letter = useGet('/events/dead/{id}', { params: { path: { id } }, enabled: Boolean(id) });
  const replay = useWrite('post', '/events/dead/{id}/replay', {
    invalidate: ['/events', '/members'],
    done: t('letters.replayedDone'),
    quiet: true,
  });
  const c = letter.data?.content;
  return (
    <FormDrawer<{ member_id?: string; body: string; reason: string }>
      key={letter.data?.id ?? ''}
      title={t('letters.replay')}
      open={Boolean(id) && Boolean(letter.data)}
      onClose={onClose}
      submit={t('letters.replay')}
      initial={{ body: JSON.stringify(c?.body ?? {}, null, 2) }}
      onSubmit={(v) =>
        replay.mutateAsync({
          params: { path: { id } },
          body: {
            type: c?.type ?? '',
            at: c?.at ?? null,
            member_id: v.member_id || null,
            body: JSON.parse(v.body),
            reason: v.reason,
          },
        })
      }
    >
      <Alert type="warning" showIcon style={{ marginBottom: 16 }} title={letter.data?.reason} />
      <Form.Item
        name="member_id"
        label={t('list.number')}
        extra={t('letters.memberHint')}
        rules={[{ pattern: /^\d*$/, message: t('merging.numberNeeded') }]}
      >
        <Input inputMode="numeric" />
      </Form.Item>
      <Form.Item
        name="body"
        label={t('letters.body')}
        rules={[
          {
            validator: async (_, v) => {
              try {
                JSON.parse(v);
              } catch {
                throw new Error(t('letters.notJSON'));
              }
            },
          },
        ]}
      >
        <Input.TextArea rows={10} style={{ fontFamily: 'ui-monospace, monospace' }} spellCheck={false} />
      </Form.Item>
      <Form.Item
        name="reason"
        label={t('points.reason')}
        rules={[{ required: true, whitespace: true, message: t('points.reasonNeeded') }]}
      >
        <Input maxLength={200} />
      </Form.Item>
    </FormDrawer>
  );
}
