import { Alert, Form, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { useGet } from '@/api';
import { useCan } from '@/app/session';
import { formatCount, formatFen, NumberInput } from '@/ui';
import type { Batches } from '../batches';
import { codesOf, type Draft, isOver, limitText, sumsOf } from '../draft';

/** Who pays, how much at most, how often, for whom. */
export function CapsStep({ values, batches, brand }: { values: Draft; batches: Batches; brand: string }) {
  const { t } = useTranslation('campaigns');
  const can = useCan();
  const path = { id: brand };
  const accounts = useGet('/brands/{id}/accounts', { params: { path }, enabled: can('account:read') });
  const tiers = useGet('/brands/{id}/tiers', { params: { path }, enabled: can('tier:read') });
  const policy = useGet('/brands/{id}/campaign-policy', { params: { path } });
  const merchants = (accounts.data ?? []).filter((a) => a.kind === 'merchant');
  const codes = codesOf(values.scopes, batches.counts);
  const sums = sumsOf(values.tiers, codes, values.cap_total);
  const over = policy.data && isOver(policy.data, sums.spend, sums.points);
  const cash = (values.tiers ?? []).some((x) => x?.kind === 'cash');
  return (
    <>
      {policy.data ? (
        <Alert
          type={over ? 'warning' : 'info'}
          showIcon
          style={{ marginBottom: 16 }}
          title={
            t('caps.spend', { fen: formatFen(sums.spend) }) +
            (sums.points ? t('caps.points', { n: formatCount(sums.points) }) : '')
          }
          description={
            policy.data.approval_fen === 0
              ? t('caps.always')
              : t(over ? 'caps.over' : 'caps.within', { limit: limitText(t, policy.data) })
          }
        />
      ) : null}
      {cash ? (
        <Form.Item
          name="account_id"
          label={t('field.account')}
          extra={t('caps.accountHint')}
          rules={[{ required: true, message: t('need.account') }]}
          style={{ maxWidth: 520 }}
        >
          <Select
            loading={accounts.isPending && can('account:read')}
            placeholder={t('caps.accountPick')}
            options={merchants.map((a) => ({
              value: a.id,
              label: `${a.name} · ${a.app_id} · ${t(`rail.${a.settings.rail || 'transfer'}`)}`,
            }))}
          />
        </Form.Item>
      ) : null}
      {cash && accounts.data && merchants.length === 0 ? (
        <Alert type="warning" showIcon style={{ marginBottom: 16 }} title={t('caps.noAccount')} />
      ) : null}
      <div className="campaign-two">
        <Form.Item name="cap_member_day" label={t('field.capDay')} extra={t('caps.zero')}>
          <NumberInput min={0} max={1_000_000_000} style={{ width: '100%' }} suffix={t('caps.times')} />
        </Form.Item>
        <Form.Item name="cap_member" label={t('field.capMember')} extra={t('caps.zero')}>
          <NumberInput min={0} max={1_000_000_000} style={{ width: '100%' }} suffix={t('caps.times')} />
        </Form.Item>
        <Form.Item
          name="cap_total"
          label={t('field.capTotal')}
          extra={t('caps.totalHint', { codes: formatCount(codes) })}
        >
          <NumberInput min={0} max={1_000_000_000} style={{ width: '100%' }} suffix={t('caps.times')} />
        </Form.Item>
      </div>
      <Form.Item name="min_level" label={t('field.level')} extra={t('caps.levelHint')} style={{ maxWidth: 520 }}>
        <Select
          options={[
            { value: 0, label: t('caps.everybody') },
            ...(tiers.data?.levels ?? [])
              .slice(1)
              .map((l, i) => ({ value: i + 1, label: t('caps.andAbove', { name: l.name }) })),
          ]}
        />
      </Form.Item>
      <p role="status">
        {t('prizes.worst', { fen: formatFen(sums.worst) })}
        {values.cap_total > 0 ? t('prizes.worstCap', { n: formatCount(values.cap_total) }) : ''}
      </p>
    </>
  );
}
