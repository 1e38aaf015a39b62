import { Button, Form, Input, Switch } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet, useWrite } from '@/api';
import { Can, Detail, FormDrawer, MoneyInput, NumberInput, Section, Time, Trail } from '@/ui';
import { limitText } from './draft';

/** ApprovalLimit shows and changes up to how much one person may publish; the settings use
 * it as well. */
export function ApprovalLimit({ brand, trail = true }: { brand: string; trail?: boolean }) {
  const { t } = useTranslation('campaigns');
  const [open, setOpen] = useState(false);
  const params = { path: { id: brand } };
  const { data, dataUpdatedAt } = useGet('/brands/{id}/campaign-policy', { params, enabled: Boolean(brand) });
  const save = useWrite('put', '/brands/{id}/campaign-policy', {
    invalidate: ['/brands', '/campaigns', '/audit'],
    done: t('done.policy'),
    quiet: true,
  });
  if (!data) return null;
  return (
    <>
      <Section
        title={t('policy.title')}
        extra={
          <Can do="campaign:policy">
            <Button onClick={() => setOpen(true)}>{t('policy.change')}</Button>
          </Can>
        }
      >
        <p className="muted">{t('policy.about')}</p>
        <Detail
          columns={2}
          items={[
            { label: t('policy.limit'), value: limitText(t, data) },
            {
              label: t('policy.changed'),
              value: data.updated_at ? <Time at={data.updated_at} /> : t('policy.default'),
            },
          ]}
        />
      </Section>
      <FormDrawer<{ always: boolean; approval_fen: number | null; approval_points: number; reason: string }>
        title={t('policy.title')}
        open={open}
        onClose={() => setOpen(false)}
        initial={{
          always: data.approval_fen === 0,
          approval_fen: data.approval_fen || 1_000_000,
          approval_points: data.approval_points,
        }}
        seen={dataUpdatedAt}
        onSubmit={(v, seen) =>
          save.mutateAsync({
            params,
            seen,
            body: {
              approval_fen: v.always ? 0 : v.approval_fen,
              approval_points: v.approval_points ?? data.approval_points,
              reason: v.reason ?? '',
            },
          })
        }
      >
        {(_, values) => (
          <>
            <Form.Item name="always" label={t('policy.always')} valuePropName="checked" extra={t('policy.alwaysHint')}>
              <Switch aria-label={t('policy.always')} />
            </Form.Item>
            {values.always ? null : (
              <>
                <Form.Item
                  name="approval_fen"
                  label={t('policy.limit')}
                  extra={t('policy.limitHint')}
                  rules={[{ required: true, message: t('need.amount') }]}
                >
                  <MoneyInput />
                </Form.Item>
                <Form.Item
                  name="approval_points"
                  label={t('policy.points')}
                  extra={t('policy.pointsHint')}
                  rules={[{ required: true, message: t('need.points') }]}
                >
                  <NumberInput min={0} style={{ width: '100%' }} suffix={t('kind.points')} />
                </Form.Item>
              </>
            )}
            <Form.Item
              name="reason"
              label={t('policy.reason')}
              rules={[{ required: true, whitespace: true, message: t('need.reason') }]}
            >
              <Input.TextArea rows={2} maxLength={200} showCount />
            </Form.Item>
          </>
        )}
      </FormDrawer>
      {trail ? <Trail object="campaign_policy" id={brand} /> : null}
    </>
  );
}
