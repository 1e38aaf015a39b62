import { Alert, Button, Form, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet, useWrite } from '@/api';
import { errorText } from '@/api/error';
import { Can, Detail, FormDrawer, formatFen, MoneyInput, Section, Time, Waiting } from '@/ui';
import type { Push } from './draft';
import { After } from './optouts';
import { Only } from './products';
import { Report } from './Report';

/** Earned is the report of one push, and what it cost. */
export function Earned({ p }: { p: Push }) {
  const { t } = useTranslation('pushes');
  const [open, setOpen] = useState(false);
  const params = { path: { id: p.id } };
  const report = useGet('/pushes/{id}/report', {
    params,
    enabled: Boolean(p.frozen_at),
    refetchInterval: 60_000,
  });
  const cost = useGet('/pushes/{id}/cost', { params });
  const save = useWrite('put', '/pushes/{id}/cost', { invalidate: ['/pushes'], done: t('done.saved'), quiet: true });
  const c = cost.data;
  const sent = report.data?.arms.reduce((n, a) => n + a.reached, 0);
  return (
    <>
      {!p.frozen_at ? (
        <Section>
          <p className="muted">{t('cost.notBegun')}</p>
        </Section>
      ) : report.error ? (
        <Section>
          <Alert type="info" showIcon title={errorText(report.error)} />
        </Section>
      ) : report.data ? (
        <>
          <Only ids={report.data.product_ids} brand={p.brand_id ?? ''} />
          <Report data={report.data} />
        </>
      ) : (
        <Waiting />
      )}
      <Section
        title={t('report.cost')}
        extra={
          <Can do="push:write">
            <Button onClick={() => setOpen(true)}>{t('cost.fill')}</Button>
          </Can>
        }
      >
        <p className="muted">
          {t('cost.about')} {t('cost.messagesAbout')}
        </p>
        <Detail
          items={[
            {
              label: t('cost.messages'),
              value: report.data ? formatFen(report.data.money.messages_fen) : null,
            },
            { label: t('report.cost'), value: c?.updated_at ? formatFen(c.cost_fen) : null },
            ...(c?.updated_at
              ? [
                  { label: t('cost.note'), value: c.note },
                  { label: t('holdout.at'), value: <Time at={c.updated_at} /> },
                ]
              : []),
          ]}
        />
      </Section>
      {p.frozen_at ? <After id={p.id} sent={sent} /> : null}
      <FormDrawer<{ cost_fen: number; note: string }>
        title={t('cost.fill')}
        open={open}
        onClose={() => setOpen(false)}
        initial={{ cost_fen: c?.cost_fen ?? 0, note: c?.note ?? '' }}
        seen={cost.dataUpdatedAt}
        onSubmit={(v, seen) => save.mutateAsync({ params, body: v, seen })}
      >
        <Form.Item
          name="cost_fen"
          label={t('report.cost')}
          extra={t('cost.about')}
          rules={[{ required: true, message: t('form.needed') }]}
        >
          <MoneyInput />
        </Form.Item>
        <Form.Item name="note" label={t('cost.note')}>
          <Input maxLength={200} />
        </Form.Item>
      </FormDrawer>
    </>
  );
}
