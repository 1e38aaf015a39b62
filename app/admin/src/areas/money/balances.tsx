import { Button, Form } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Data, useGet, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { spoken } from '@/i18n/server';
import {
  Broken,
  Empty,
  FormDrawer,
  LinkButton,
  Money,
  MoneyInput,
  Page,
  Section,
  StateTag,
  Table,
  Time,
  Trail,
  Waiting,
} from '@/ui';
import { useWords } from './words';

type Balance = Data<'get', '/balances'>[number];
type Input = { alarm_fen?: number | null; seen_fen?: number | null };

/** Balances of merchant accounts, and below what somebody is told. */
export function Component() {
  const { t } = useTranslation('money');
  const brand = useBrandID();
  const can = useCan();
  const sources = useWords('balanceSources');
  const [open, setOpen] = useState<Balance | null>(null);
  const [seen, setSeen] = useState(0);
  const { data, dataUpdatedAt, error, refetch } = useGet('/balances', {
    params: { query: { brand_id: brand } },
    enabled: Boolean(brand),
    refetchInterval: 60_000,
  });
  const keep = useWrite('put', '/balances/{id}', {
    invalidate: ['/balances', '/home', '/trails'],
    done: t('balance.kept'),
    quiet: true,
  });
  if (error && !data) return <Broken error={error} again={() => void refetch()} />;
  if (!data) return <Waiting />;
  return (
    <Page title={t('menu.balances')} about={t('balance.about')} watermark>
      <Section>
        {data.length === 0 ? (
          <Empty
            title={t('recon.noAccount')}
            text={t('recon.noAccountText')}
            example={t('recon.noAccountExample')}
            action={
              <LinkButton to="/settings/accounts" type="primary">
                {t('recon.toAccounts')}
              </LinkButton>
            }
          />
        ) : (
          <Table
            rows={data}
            rowKey={(b) => b.account_id ?? ''}
            label={t('menu.balances')}
            columns={[
              {
                key: 'account',
                title: t('payout.account'),
                render: (b) => (
                  <>
                    <div>{b.account?.name}</div>
                    <div className="muted nums">{b.account?.mch_id}</div>
                  </>
                ),
              },
              {
                key: 'available',
                title: t('balance.available'),
                align: 'right',
                render: (b) =>
                  b.source === 'unknown' ? (
                    '—'
                  ) : (
                    <strong>
                      <Money fen={b.available_fen} />
                    </strong>
                  ),
              },
              {
                key: 'state',
                title: t('payout.state'),
                render: (b) => (
                  <StateTag
                    state={b.low ? 'low' : b.source === 'unknown' ? 'unknown' : 'ok'}
                    labels={{ low: t('balance.low'), ok: t('balance.ok'), unknown: t('balance.unknown') }}
                    tone={b.low ? 'red' : b.source === 'unknown' ? 'grey' : 'green'}
                  />
                ),
              },
              {
                key: 'source',
                title: t('balance.source'),
                render: (b) => (
                  <div style={{ whiteSpace: 'normal' }}>
                    {sources[b.source ?? '']}
                    {b.error ? <div className="muted">{spoken(b.error)}</div> : null}
                    {b.kept_at && b.source === 'estimate' ? (
                      <div className="muted">
                        {t('balance.keptBy', { by: b.kept_by })} <Money fen={b.kept_fen} /> · <Time at={b.kept_at} />
                      </div>
                    ) : null}
                  </div>
                ),
              },
              { key: 'as_of', title: t('balance.asOf'), render: (b) => <Time at={b.as_of} /> },
              {
                key: 'alarm',
                title: t('balance.alarm'),
                align: 'right',
                render: (b) =>
                  b.alarm_fen ? <Money fen={b.alarm_fen} /> : <span className="muted">{t('balance.noAlarm')}</span>,
              },
            ]}
            actions={
              can('recon:write')
                ? (b) => (
                    <Button
                      size="small"
                      onClick={() => {
                        setSeen(dataUpdatedAt);
                        setOpen(b);
                      }}
                    >
                      {t('balance.edit')}
                    </Button>
                  )
                : undefined
            }
          />
        )}
      </Section>
      {data.map((b) =>
        b.kept_at || b.alarm_fen ? <Trail key={b.account_id} object="balance" id={b.account_id ?? undefined} /> : null,
      )}
      <FormDrawer<Input>
        title={t('balance.editTitle', { name: open?.account?.name })}
        open={Boolean(open)}
        onClose={() => setOpen(null)}
        initial={{ alarm_fen: open?.alarm_fen || null }}
        seen={seen}
        onSubmit={(v, seen) =>
          keep.mutateAsync({
            params: { path: { id: open?.account_id ?? '' } },
            body: { alarm_fen: v.alarm_fen ?? 0, seen_fen: v.seen_fen ?? null },
            seen,
          })
        }
      >
        <Form.Item name="alarm_fen" label={t('balance.alarmInput')} extra={t('balance.alarmExtra')}>
          <MoneyInput placeholder="1000.00" />
        </Form.Item>
        {open?.source === 'wechat' ? null : (
          <Form.Item name="seen_fen" label={t('balance.seenInput')} extra={t('balance.seenExtra')}>
            <MoneyInput placeholder="50000.00" />
          </Form.Item>
        )}
      </FormDrawer>
    </Page>
  );
}
