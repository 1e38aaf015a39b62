import { Alert, Button, Form, Input } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useWrite } from '@/api';
import { useCan, useMe } from '@/app/session';
import { Danger, formatCount } from '@/ui';
import type { Flow } from './batch';
import { GeneratePack } from './GeneratePack';

/** NextStep says what is to be done now and by whom, with the button for those who may. */
export function NextStep({ flow, onActivate }: { flow: Flow; onActivate: () => void }) {
  const { t } = useTranslation('goods');
  const can = useCan();
  const { me } = useMe();
  const r = flow.request;
  const own = r?.asked_by === me.operator.id;
  let action: ReactNode = null;
  let text = t(`next.${flow.next}`, { defaultValue: '' });
  let type: 'info' | 'success' | 'warning' = 'info';
  switch (flow.next) {
    case 'approve':
      if (own) text = t('next.approveOwn');
      action = (
        <>
          {can('code:approve') && !own ? <Approve flow={flow} /> : null}
          {own && can('code:write') ? <Withdraw id={flow.id} /> : null}
        </>
      );
      break;
    case 'generate':
      if (flow.batch && can('export:write')) action = <GeneratePack batch={flow.batch} primary />;
      break;
    case 'activate':
      if ((flow.counts.activated ?? 0) > 0 || flow.planned.length > 0)
        text = t('next.activateRest', { n: formatCount(flow.counts.issued ?? 0) });
      if (can('code:write'))
        action = (
          <Button type="primary" onClick={onActivate}>
            {t('range.activate')}
          </Button>
        );
      break;
    case 'closed':
      type = 'warning';
      text = r?.state === 'withdrawn' ? t('next.withdrawn') : t('next.refused', { note: r?.note ?? '' });
      break;
    case 'done':
      type = 'success';
      break;
  }
  return (
    <Alert
      type={type}
      showIcon
      style={{ marginTop: 16 }}
      title={t('next.title')}
      description={
        <div style={{ display: 'flex', gap: 12, flexWrap: 'wrap', alignItems: 'center' }}>
          <span style={{ flex: '1 1 240px' }}>{text}</span>
          {action}
        </div>
      }
    />
  );
}

const stale = ['/batch-requests', '/batches', '/batch-alarms', '/exports'];

function Approve({ flow }: { flow: Flow }) {
  const { t } = useTranslation('goods');
  const r = flow.request;
  const approve = useWrite('post', '/batch-requests/{id}/approve', {
    invalidate: stale,
    done: t('request.approved'),
    quiet: true,
  });
  const refuse = useWrite('post', '/batch-requests/{id}/refuse', {
    invalidate: stale,
    done: t('request.refusedDone'),
    quiet: true,
  });
  if (!r) return null;
  const params = { path: { id: flow.id } };
  return (
    <>
      <Danger
        trigger={<Button danger>{t('request.refuse')}</Button>}
        title={t('request.refuseTitle', { name: r.name })}
        reason
        confirm={t('request.refuse')}
        onConfirm={({ reason }) => refuse.mutateAsync({ params, body: { reason } })}
      />
      <Danger
        danger={false}
        trigger={<Button type="primary">{t('request.approve')}</Button>}
        title={t('request.approveTitle', { name: r.name })}
        consequence={t('request.approveText', { n: formatCount(r.count), product: flow.product, supplier: r.supplier })}
        confirm={t('request.approveConfirm', { n: formatCount(r.count) })}
        onConfirm={({ note }) => approve.mutateAsync({ params, body: { reason: String(note ?? '') } })}
      >
        <Form.Item name="note" label={t('request.noteOptional')}>
          <Input maxLength={200} />
        </Form.Item>
      </Danger>
    </>
  );
}

function Withdraw({ id }: { id: string }) {
  const { t } = useTranslation('goods');
  const withdraw = useWrite('post', '/batch-requests/{id}/withdraw', {
    invalidate: stale,
    done: t('request.withdrawnDone'),
    quiet: true,
  });
  return (
    <Danger
      trigger={<Button>{t('request.withdraw')}</Button>}
      title={t('request.withdrawTitle')}
      confirm={t('request.withdraw')}
      onConfirm={({ reason }) => withdraw.mutateAsync({ params: { path: { id } }, body: { reason } })}
    />
  );
}
