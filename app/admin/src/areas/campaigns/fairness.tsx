import { Alert, App, Button, Form, Input, Segmented, Select, Timeline } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { useGet } from '@/api';
import { useCan } from '@/app/session';
import {
  Broken,
  Copy,
  copyText,
  FaultAlert,
  formatFen,
  halfWidth,
  NumberInput,
  Page,
  Section,
  StateTag,
  Time,
  Waiting,
} from '@/ui';
import { useBatches } from './batches';
import './campaigns.css';
import type { Campaign } from './draft';

/** The draw's hash before, its seed after, and the computation of one code, step by step. */
export function Component() {
  const { id = '' } = useParams();
  const { t } = useTranslation('campaigns');
  const { message } = App.useApp();
  const params = { path: { id } };
  const campaign = useGet('/campaigns/{id}', { params });
  const draw = useGet('/campaigns/{id}/draw', { params });
  if (!campaign.data || !draw.data) {
    const failed = campaign.error ? campaign : draw;
    return failed.error ? <Broken error={failed.error} again={() => void failed.refetch()} /> : <Waiting />;
  }
  const c = campaign.data;
  const d = draw.data;
  return (
    <Page
      title={t('fair.title')}
      tag={<StateTag state={c.stage} />}
      about={t('fair.about')}
      trail={[
        { title: t('menu.list'), to: '/campaigns' },
        { title: c.name, to: `/campaigns/${c.id}` },
      ]}
    >
      <Section title={t('fair.how')}>
        <ol>
          {(['sealed', 'hash', 'reveal', 'check'] as const).map((k) => (
            <li key={k}>{t(`fair.step.${k}`)}</li>
          ))}
        </ol>
        <dl className="campaign-facts">
          <dt>{t('fair.hash')}</dt>
          <dd>{d.seed_hash ? <Copy text={d.seed_hash} mono /> : <span className="muted">{t('fair.notYet')}</span>}</dd>
          <dt>{t('fair.seed')}</dt>
          <dd>
            {d.seed_revealed ? <Copy text={d.seed_revealed} mono /> : <span className="muted">{t('fair.sealed')}</span>}
          </dd>
        </dl>
        {d.terms ? (
          <>
            <h3 className="campaign-sub">
              {t('fair.terms')}{' '}
              <Button
                size="small"
                type="link"
                onClick={async () => {
                  if (await copyText(d.terms)) message.success(t('fair.copied'));
                }}
              >
                {t('fair.copyTerms')}
              </Button>
            </h3>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: who scrolls by keyboard needs to reach it */}
            <pre className="campaign-terms" tabIndex={0}>
              {d.terms}
            </pre>
          </>
        ) : null}
      </Section>
      <Section title={t('fair.verify')}>
        {d.seed_revealed ? <Verify c={c} /> : <Alert type="info" showIcon title={t('fair.afterEnd')} />}
      </Section>
    </Page>
  );
}

type Asked = { code?: string; batch_id?: string; serial?: string };

function Verify({ c }: { c: Campaign }) {
  const { t } = useTranslation('campaigns');
  const can = useCan();
  const [by, setBy] = useState<'code' | 'serial'>('code');
  const [asked, setAsked] = useState<Asked | null>(null);
  const inScope = [...new Set((c.scopes ?? []).map((s) => s.batch_id ?? ''))];
  const { named } = useBatches(by === 'serial' && can('code:read') ? (c.brand_id ?? '') : '', inScope);
  const { data, error, isFetching } = useGet('/campaigns/{id}/draw', {
    params: { path: { id: c.id }, query: asked ?? {} },
    enabled: asked !== null,
  });
  const p = asked ? data?.proof : null;
  return (
    <>
      <Segmented
        aria-label={t('fair.by')}
        value={by}
        onChange={(v) => {
          setBy(v as 'code' | 'serial');
          setAsked(null);
        }}
        options={[
          { value: 'code', label: t('fair.byCode') },
          { value: 'serial', label: t('fair.bySerial') },
        ]}
        style={{ marginBottom: 16 }}
      />
      <Form<{ code?: string; batch_id?: string; serial?: number }>
        key={by}
        layout="vertical"
        style={{ maxWidth: 560 }}
        initialValues={{ batch_id: c.scopes?.[0]?.batch_id ?? undefined }}
        onFinish={(v) =>
          setAsked(
            by === 'code'
              ? { code: halfWidth(v.code ?? '').trim() }
              : { batch_id: v.batch_id, serial: String(v.serial ?? '') },
          )
        }
      >
        {by === 'code' ? (
          <Form.Item
            name="code"
            label={t('fair.code')}
            extra={t('fair.codeHint')}
            rules={[{ required: true, message: t('need.code') }]}
          >
            <Input autoComplete="off" spellCheck={false} />
          </Form.Item>
        ) : (
          <>
            <Form.Item name="batch_id" label={t('scope.batch')} rules={[{ required: true, message: t('need.scope') }]}>
              <Select
                options={inScope.map((id) => {
                  const b = named.get(id);
                  return { value: id, label: b ? `${b.productName} · ${b.name}` : id };
                })}
              />
            </Form.Item>
            <Form.Item name="serial" label={t('fair.serial')} rules={[{ required: true, message: t('need.serial') }]}>
              <NumberInput min={1} style={{ width: 200 }} />
            </Form.Item>
          </>
        )}
        <Button type="primary" htmlType="submit" loading={isFetching}>
          {t('fair.compute')}
        </Button>
      </Form>
      <div style={{ marginTop: 16 }} aria-live="polite">
        <FaultAlert fault={asked ? error : null} />
        {p ? (
          <>
            <Alert
              type={data?.claim && !data.claim.same ? 'error' : 'success'}
              showIcon
              style={{ marginBottom: 16 }}
              title={t('fair.result', {
                tier: p.tier.name,
                prize:
                  p.tier.kind === 'cash'
                    ? formatFen(p.amount_fen)
                    : p.tier.kind === 'points'
                      ? t('prizes.pointsEach', { n: p.tier.points })
                      : t('kind.nothing'),
              })}
              description={
                data?.claim ? (
                  <>
                    {t(data.claim.same ? 'fair.same' : 'fair.differs')} <Time at={data.claim.at} /> · {data.claim.prize}{' '}
                    {data.claim.cash_fen ? formatFen(data.claim.cash_fen) : ''}
                  </>
                ) : (
                  t('fair.unclaimed')
                )
              }
            />
            <Timeline
              items={p.steps.map((s) => ({
                key: s.title,
                content: (
                  <>
                    <strong>{s.title}</strong>
                    <div className="muted">{s.how}</div>
                    <div className="campaign-hash">= {s.value}</div>
                  </>
                ),
              }))}
            />
          </>
        ) : null}
      </div>
    </>
  );
}
