import { Alert, Button, Form, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet, useList, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { spoken } from '@/i18n/server';
import {
  Broken,
  Can,
  Danger,
  FormDrawer,
  formatCount,
  NumberInput,
  Section,
  StatCards,
  Table,
  Time,
  Waiting,
} from '@/ui';

/** Points: balance, what it is made of and when it ends, what is held, the statement. */
export function Points({ id }: { id: string }) {
  const { t } = useTranslation('members');
  const may = useCan();
  const brand = useBrandID();
  const { data: v, error, refetch } = useGet('/members/{id}/points', { params: { path: { id } } });
  const [open, setOpen] = useState<'' | 'adjust' | 'freeze'>('');
  const unfreeze = useWrite('post', '/members/{id}/points/unfreeze', {
    invalidate: ['/members'],
    done: t('points.unfrozen'),
    quiet: true,
  });
  if (error && !v) return <Broken error={error} again={() => void refetch()} />;
  if (!v) return <Waiting />;
  const a = v.account;
  const soon = a.expiring?.[0];
  return (
    <>
      <StatCards
        items={[
          {
            key: 'available',
            title: t('points.available'),
            value: formatCount(a.available),
            note: a.owed ? t('points.owed', { n: formatCount(a.owed) }) : undefined,
          },
          {
            key: 'pending',
            title: t('points.pending'),
            value: formatCount(a.pending),
            about: t('points.pendingAbout'),
          },
          { key: 'frozen', title: t('points.frozen'), value: formatCount(a.frozen) },
          {
            key: 'expiring',
            title: t('points.expiring'),
            value: soon ? formatCount(soon.points) : '0',
            note: soon ? <Time at={soon.expires_at} precise={false} /> : t('points.noExpiry'),
            tone: soon ? 'warn' : undefined,
          },
        ]}
      />
      <Section
        title={t('points.lots')}
        extra={
          <Can do="points:adjust">
            <Button type="primary" disabled={!brand} onClick={() => setOpen('adjust')}>
              {t('points.adjust')}
            </Button>
            <Button onClick={() => setOpen('freeze')}>{t('points.freeze')}</Button>
          </Can>
        }
      >
        <Table
          rows={v.lots ?? []}
          label={t('points.lots')}
          columns={[
            { key: 'earned', title: t('points.earned'), render: (l) => <Time at={l.earned_at} /> },
            { key: 'amount', title: t('points.amount'), align: 'right', render: (l) => formatCount(l.amount) },
            { key: 'available', title: t('points.available'), align: 'right', render: (l) => formatCount(l.available) },
            { key: 'pending', title: t('points.pending'), align: 'right', render: (l) => formatCount(l.pending) },
            { key: 'frozen', title: t('points.frozen'), align: 'right', render: (l) => formatCount(l.frozen) },
            {
              key: 'expires',
              title: t('points.expires'),
              render: (l) => (l.expires_at ? <Time at={l.expires_at} /> : t('points.never')),
            },
          ]}
          empty={t('points.noLots')}
        />
      </Section>
      {(v.holds ?? []).length > 0 ? (
        <Section title={t('points.holds')}>
          <Table
            rows={v.holds ?? []}
            label={t('points.holds')}
            columns={[
              { key: 'reason', title: t('points.reason'), render: (h) => h.reason },
              {
                key: 'left',
                title: t('points.left'),
                align: 'right',
                render: (h) => `${formatCount(h.left)} / ${formatCount(h.points)}`,
              },
              { key: 'at', title: t('identity.at'), render: (h) => <Time at={h.created_at} /> },
            ]}
            actions={
              may('points:adjust')
                ? (h) =>
                    h.left > 0 ? (
                      <Danger
                        trigger={
                          <Button type="link" size="small">
                            {t('points.unfreeze')}
                          </Button>
                        }
                        title={t('points.unfreezeTitle', { n: formatCount(h.left) })}
                        danger={false}
                        reason
                        onConfirm={({ reason }) =>
                          unfreeze.mutateAsync({ params: { path: { id } }, body: { hold_id: h.id, reason } })
                        }
                      />
                    ) : null
                : undefined
            }
          />
        </Section>
      ) : null}
      <Statement id={id} />
      <Adjust id={id} brand={brand} open={open === 'adjust'} onClose={() => setOpen('')} />
      <Freeze id={id} most={a.available} open={open === 'freeze'} onClose={() => setOpen('')} />
    </>
  );
}

function Statement({ id }: { id: string }) {
  const { t } = useTranslation('members');
  const [before, setBefore] = useState<string[]>(['']);
  const { data } = useList('/members/{id}/points/statement', {
    params: { path: { id }, query: { before: before[before.length - 1], limit: 20 } as object },
  });
  return (
    <Section title={t('points.statement')}>
      <Table
        rows={data?.data ?? []}
        label={t('points.statement')}
        columns={[
          { key: 'at', title: t('identity.at'), render: (l) => <Time at={l.at} /> },
          { key: 'memo', title: t('points.memo'), render: (l) => spoken(l.memo) },
          {
            key: 'amount',
            title: t('points.amount'),
            align: 'right',
            render: (l) => (l.amount > 0 ? `+${formatCount(l.amount)}` : formatCount(l.amount)),
          },
        ]}
        empty={t('points.noStatement')}
      />
      <div className="page-actions" style={{ marginTop: 12 }}>
        <Button disabled={before.length < 2} onClick={() => setBefore(before.slice(0, -1))}>
          {t('common.newer')}
        </Button>
        <Button disabled={!data?.next} onClick={() => setBefore([...before, data?.next ?? ''])}>
          {t('common.older')}
        </Button>
      </div>
    </Section>
  );
}

/** Adjust tells before it is sent whether a second person will have to agree. */
function Adjust({ id, brand, open, onClose }: { id: string; brand: string; open: boolean; onClose: () => void }) {
  const { t } = useTranslation('members');
  const rules = useGet('/brands/{id}/points-rules', {
    params: { path: { id: brand } },
    enabled: open && Boolean(brand),
  });
  const limit = rules.data?.rules.approve_above;
  const save = useWrite('post', '/members/{id}/points/adjustments', {
    invalidate: ['/members', '/points'],
    done: t('points.adjusted'),
    quiet: true,
  });
  return (
    <FormDrawer<{ points: number; reason: string }>
      title={t('points.adjust')}
      open={open}
      onClose={onClose}
      submit={t('points.send')}
      onSubmit={(v) =>
        save.mutateAsync({ params: { path: { id } }, body: { brand_id: brand, points: v.points, reason: v.reason } })
      }
    >
      {(_, values) => (
        <>
          <Form.Item
            name="points"
            label={t('points.change')}
            extra={t('points.changeHint')}
            rules={[{ required: true, message: t('points.changeNeeded') }]}
          >
            <NumberInput style={{ width: '100%' }} min={-1_000_000_000} max={1_000_000_000} />
          </Form.Item>
          {limit !== undefined ? (
            <Alert
              showIcon
              style={{ marginBottom: 16 }}
              type={Math.abs(Number(values.points ?? 0)) > limit ? 'warning' : 'info'}
              title={
                Math.abs(Number(values.points ?? 0)) > limit
                  ? t('points.needsSecond', { limit: formatCount(limit) })
                  : t('points.limit', { limit: formatCount(limit) })
              }
            />
          ) : null}
          <Form.Item
            name="reason"
            label={t('points.reason')}
            rules={[{ required: true, whitespace: true, message: t('points.reasonNeeded') }]}
          >
            <Input.TextArea rows={3} maxLength={200} showCount />
          </Form.Item>
        </>
      )}
    </FormDrawer>
  );
}

function Freeze({ id, most, open, onClose }: { id: string; most: number; open: boolean; onClose: () => void }) {
  const { t } = useTranslation('members');
  const save = useWrite('post', '/members/{id}/points/freeze', {
    invalidate: ['/members'],
    done: t('points.frozenDone'),
    quiet: true,
  });
  return (
    <FormDrawer<{ points: number; reason: string }>
      title={t('points.freeze')}
      open={open}
      onClose={onClose}
      submit={t('points.freeze')}
      onSubmit={(v) => save.mutateAsync({ params: { path: { id } }, body: v })}
    >
      <Alert
        type="info"
        showIcon
        style={{ marginBottom: 16 }}
        title={t('points.freezeText', { n: formatCount(most) })}
      />
      <Form.Item
        name="points"
        label={t('points.howMany')}
        rules={[{ required: true, message: t('points.changeNeeded') }]}
      >
        <NumberInput style={{ width: '100%' }} min={1} max={Math.max(1, most)} />
      </Form.Item>
      <Form.Item
        name="reason"
        label={t('points.reason')}
        rules={[{ required: true, whitespace: true, message: t('points.reasonNeeded') }]}
      >
        <Input.TextArea rows={3} maxLength={200} showCount />
      </Form.Item>
    </FormDrawer>
  );
}
