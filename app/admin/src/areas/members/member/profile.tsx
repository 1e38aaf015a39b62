import { Alert, Button, Form, Input, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Data, useGet, useWrite } from '@/api';
import { mark } from '@/i18n/marks';
import { spoken } from '@/i18n/server';
import { Broken, Can, Detail, FormDrawer, Section, Table, Time, Waiting } from '@/ui';
import { MemberLink } from '../parts';

type Item = NonNullable<Data<'get', '/members/{id}/profile'>['items']>[number];

/** Profile: what is known, who said so, and corrections that the member asked for. */
export function Profile({ id }: { id: string }) {
  const { t } = useTranslation('members');
  const { data: p, dataUpdatedAt, error, refetch } = useGet('/members/{id}/profile', { params: { path: { id } } });
  const [editing, setEditing] = useState<Item | null>(null);
  if (error && !p) return <Broken error={error} again={() => void refetch()} />;
  if (!p) return <Waiting />;
  return (
    <>
      <Section title={t('profile.title', { filled: p.filled, asked: p.asked })}>
        <Table
          rows={p.items ?? []}
          rowKey={(i) => i.field.name}
          label={t('tab.profile')}
          columns={[
            { key: 'field', title: t('profile.field'), render: (i) => i.field.title },
            {
              key: 'value',
              title: t('profile.value'),
              render: (i) => i.value || <span className="muted">{t('profile.unknown')}</span>,
            },
            {
              key: 'source',
              title: t('profile.source'),
              render: (i) => (i.value ? t(`profile.sources.${i.source}`, { defaultValue: i.source }) : '—'),
            },
            {
              key: 'conflicts',
              title: t('profile.conflicts'),
              about: t('profile.conflictsAbout'),
              render: (i) =>
                (i.conflicts ?? []).length
                  ? (i.conflicts ?? [])
                      .map(
                        (c) =>
                          `${c.value}${mark('（')}${t(`profile.sources.${c.source}`, { defaultValue: c.source })}${mark('）')}`,
                      )
                      .join(mark('、'))
                  : '—',
            },
            { key: 'at', title: t('identity.at'), render: (i) => (i.value ? <Time at={i.at} /> : '—') },
          ]}
          actions={(i) => (
            <Can do="profile:write">
              <Button type="link" size="small" onClick={() => setEditing(i)}>
                {t('profile.correct')}
              </Button>
            </Can>
          )}
        />
      </Section>
      <Section title={t('profile.origin')}>
        {p.origin ? (
          <Detail
            items={[
              { label: t('profile.channel'), value: spoken(p.origin.title) },
              { label: t('identity.at'), value: <Time at={p.origin.at} /> },
              p.origin.scene !== '' && { label: t('profile.scene'), value: p.origin.scene },
              p.origin.channel === 'referral' && {
                label: t('profile.broughtBy'),
                value: <MemberLink id={p.origin.ref_id} />,
              },
            ]}
          />
        ) : (
          <span className="muted">{t('profile.noOrigin')}</span>
        )}
      </Section>
      <Section title={t('profile.relation')}>
        <p style={{ marginTop: 0 }}>
          <strong>{spoken(p.relation.title)}</strong>
          {p.stage ? (
            <span className="muted"> {t('profile.stage', { title: spoken(p.stage.title), days: p.stage.days })}</span>
          ) : (
            <span className="muted"> {t('member.noStage')}</span>
          )}
        </p>
        <Table
          rows={p.relation.moves ?? []}
          label={t('profile.relation')}
          columns={[
            { key: 'at', title: t('identity.at'), render: (m) => <Time at={m.at} /> },
            {
              key: 'depth',
              title: t('profile.depth'),
              render: (m) => t(`profile.depths.${m.depth}`, { defaultValue: m.depth }),
            },
            {
              key: 'event',
              title: t('profile.because'),
              render: (m) => t(`story.kind.${m.event_type}`, { defaultValue: m.event_type }),
            },
          ]}
          empty={t('profile.noMoves')}
        />
      </Section>
      <Correct id={id} item={editing} seen={dataUpdatedAt} onClose={() => setEditing(null)} />
      <History id={id} />
    </>
  );
}

function Correct({ id, item, seen, onClose }: { id: string; item: Item | null; seen: number; onClose: () => void }) {
  const { t } = useTranslation('members');
  const save = useWrite('put', '/members/{id}/profile', {
    invalidate: ['/members'],
    done: t('profile.corrected'),
    quiet: true,
  });
  const f = item?.field;
  const options = (f?.choices ?? []).map((c) => ({ value: c, label: c }));
  return (
    <FormDrawer<{ value: string | string[]; reason: string }>
      title={t('profile.correctTitle', { field: f?.title ?? '' })}
      open={item !== null}
      onClose={onClose}
      initial={{ value: f?.kind === 'choices' ? (item?.value ? item.value.split(',') : []) : (item?.value ?? '') }}
      seen={seen}
      onSubmit={(v, seen) =>
        save.mutateAsync({
          params: { path: { id } },
          seen,
          body: {
            values: { [f?.name ?? '']: Array.isArray(v.value) ? v.value.join(',') : (v.value ?? '') },
            reason: v.reason,
          },
        })
      }
    >
      <Alert type="info" showIcon style={{ marginBottom: 16 }} title={t('profile.correctText')} />
      <Form.Item name="value" label={f?.title} extra={t('profile.emptyTakesBack')}>
        {f?.kind === 'choice' || f?.kind === 'choices' ? (
          <Select allowClear mode={f.kind === 'choices' ? 'multiple' : undefined} options={options} />
        ) : (
          <Input placeholder={f?.kind === 'date' ? '1990-05-04' : undefined} maxLength={100} />
        )}
      </Form.Item>
      <Form.Item
        name="reason"
        label={t('profile.reason')}
        rules={[{ required: true, whitespace: true, message: t('points.reasonNeeded') }]}
      >
        <Input.TextArea rows={2} maxLength={200} showCount placeholder={t('profile.reasonHint')} />
      </Form.Item>
    </FormDrawer>
  );
}

function History({ id }: { id: string }) {
  const { t } = useTranslation('members');
  const [open, setOpen] = useState(false);
  const { data } = useGet('/members/{id}/profile/history', { params: { path: { id } }, enabled: open });
  return (
    <Section
      title={t('profile.history')}
      extra={
        <Button type="link" onClick={() => setOpen(!open)}>
          {open ? t('common.fold') : t('common.unfold')}
        </Button>
      }
    >
      {open ? (
        <Table
          rows={data ?? []}
          label={t('profile.history')}
          columns={[
            { key: 'at', title: t('identity.at'), render: (v) => <Time at={v.at} /> },
            { key: 'field', title: t('profile.field'), render: (v) => v.field },
            { key: 'value', title: t('profile.value'), render: (v) => v.value || t('profile.takenBack') },
            {
              key: 'source',
              title: t('profile.source'),
              render: (v) => t(`profile.sources.${v.source}`, { defaultValue: v.source }),
            },
            { key: 'reason', title: t('points.reason'), render: (v) => v.reason || '—' },
          ]}
          empty={t('profile.noHistory')}
        />
      ) : null}
    </Section>
  );
}
