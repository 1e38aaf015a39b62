import { Button, Form, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Data, useGet, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { mark } from '@/i18n/marks';
import { Broken, Can, Detail, FormDrawer, formatCount, NumberInput, Section, Time, Trail, Waiting } from '@/ui';
import { yuanOf } from './Estimate';

type PolicyData = Data<'get', '/reach/policy'>;

/** Numbers that the platform fixes, and that change when the platform changes them. */
const limits = [
  'message_count',
  'message_hours',
  'deed_count',
  'deed_seconds',
  'enter_count',
  'enter_seconds',
  'margin_seconds',
  'block_days',
  'mass_per_month',
  'wecom_per_day',
  'wecom_per_month',
  'custom_per_day',
  'template_per_day',
  'subscribe_per_day',
  'mass_per_day',
  'mass_calls_per_day',
  'sms_per_day',
] as const;
/** Channels that may cost money by the message. */
const priced = ['sms', 'wecom', 'mass', 'subscribe', 'template', 'custom'] as const;
type Prices = Record<string, number>;
const spans = ['day', 'week', 'month'] as const;

/** How often somebody may be written to, and what the channels allow. */
export function Policy() {
  const { t } = useTranslation('pushes');
  const brand = useBrandID();
  const [open, setOpen] = useState(false);
  const found = useGet('/reach/policy', { params: { query: { brand_id: brand } }, enabled: Boolean(brand) });
  const save = useWrite('put', '/reach/policy', { invalidate: ['/reach'], done: t('done.saved'), quiet: true });
  if (found.error && !found.data) return <Broken error={found.error} again={() => void found.refetch()} />;
  const p = found.data;
  if (!p) return <Waiting />;
  const capText = (c: PolicyData['cap']) =>
    spans.map((s) => t(`policy.per.${s}`, { n: c[s] > 0 ? c[s] : t('policy.unlimited') })).join(mark('，'));
  return (
    <>
      <Section
        title={t('policy.caps')}
        extra={
          <Can do="reach:write">
            <Button type="primary" onClick={() => setOpen(true)}>
              {t('policy.change')}
            </Button>
          </Can>
        }
      >
        <p className="muted">{t('policy.about')}</p>
        <Detail
          columns={1}
          items={[
            { label: t('policy.all'), value: capText(p.cap) },
            ...p.channels.map((c) => ({ label: t(`channel.${c.channel}`), value: capText(c) })),
          ]}
        />
      </Section>
      <Section title={t('policy.prices')}>
        <p className="muted">{t('policy.pricesAbout')}</p>
        <Detail
          columns={2}
          items={priced.map((channel) => {
            const li = p.prices.find((x) => x.channel === channel)?.li ?? 0;
            return { label: t(`channel.${channel}`), value: li > 0 ? yuanOf(li) : t('policy.free') };
          })}
        />
      </Section>
      <Section
        title={t('policy.limits')}
        extra={<span className="muted">{p.changed_at ? <Time at={p.changed_at} /> : t('policy.defaults')}</span>}
      >
        <Detail columns={2} items={limits.map((k) => ({ label: t(`policy.fields.${k}`), value: formatCount(p[k]) }))} />
      </Section>
      <Trail object="reach_policy" id={brand} />
      <FormDrawer<PolicyData & { reason: string; yuan: Prices }>
        title={t('reach.policy')}
        open={open}
        onClose={() => setOpen(false)}
        initial={{
          ...p,
          reason: '',
          yuan: Object.fromEntries(p.prices.map((x) => [x.channel, x.li / 1000])),
        }}
        width={640}
        seen={found.dataUpdatedAt}
        onSubmit={({ yuan, ...v }, seen) =>
          save.mutateAsync({
            seen,
            body: {
              ...p,
              ...v,
              cap: { ...p.cap, ...v.cap },
              // The form holds their numbers only, not which channel they are of.
              channels: p.channels.map((c, i) => ({ ...c, ...v.channels?.[i] })),
              prices: priced.flatMap((channel) => {
                const li = Math.round((yuan?.[channel] ?? 0) * 1000);
                return li > 0 ? [{ channel, li }] : [];
              }),
              brand_id: brand,
            },
          })
        }
      >
        <h3>{t('policy.caps')}</h3>
        <div className="push-three">
          {spans.map((s) => (
            <Form.Item
              key={s}
              name={['cap', s]}
              label={t(`policy.span.${s}`)}
              rules={[{ required: true, message: t('form.needed') }]}
            >
              <NumberInput min={0} max={1000} style={{ width: '100%' }} />
            </Form.Item>
          ))}
        </div>
        <Form.List name="channels">
          {(fields) =>
            fields.map(({ key, name }) => (
              <fieldset key={key} className="push-cap">
                <legend>{t(`channel.${p.channels[name]?.channel}`)}</legend>
                <div className="push-three">
                  {spans.map((s) => (
                    <Form.Item key={s} name={[name, s]} label={t(`policy.span.${s}`)}>
                      <NumberInput min={0} max={1000} style={{ width: '100%' }} />
                    </Form.Item>
                  ))}
                </div>
              </fieldset>
            ))
          }
        </Form.List>
        <h3>{t('policy.prices')}</h3>
        <p className="muted">{t('policy.pricesAbout')}</p>
        <div className="push-three">
          {priced.map((channel) => (
            <Form.Item
              key={channel}
              name={['yuan', channel]}
              label={t('policy.price', { way: t(`channel.${channel}`) })}
            >
              <NumberInput min={0} max={100} precision={3} step={0.005} style={{ width: '100%' }} />
            </Form.Item>
          ))}
        </div>
        <h3>{t('policy.limits')}</h3>
        <p className="muted">{t('policy.limitsAbout')}</p>
        <div className="push-two">
          {limits.map((k) => (
            <Form.Item
              key={k}
              name={k}
              label={t(`policy.fields.${k}`)}
              rules={[{ required: true, message: t('form.needed') }]}
            >
              <NumberInput min={0} style={{ width: '100%' }} />
            </Form.Item>
          ))}
        </div>
        <Form.Item
          name="reason"
          label={t('holdout.reason')}
          rules={[{ required: true, whitespace: true, message: t('form.needed') }]}
        >
          <Input maxLength={200} />
        </Form.Item>
      </FormDrawer>
    </>
  );
}
