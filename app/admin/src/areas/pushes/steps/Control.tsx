import { Alert, Form, Input } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useGet } from '@/api';
import { usePeople } from '@/areas/audience/people';
import { formatFen, NumberInput, Table } from '@/ui';
import { divided } from '../draft';
import { Products } from '../products';
import { useAudience } from '../useAudience';
import type { StepProps } from './step';

/** Who is left alone to compare with, how the versions share the rest, what counts as success. */
export function ControlStep({ values, brand }: StepProps) {
  const { t } = useTranslation('pushes');
  const holdout = useGet('/holdout', { params: { query: { brand_id: brand } } });
  const audience = useAudience(brand, values, values.uses);
  const s = holdout.data?.settings;
  const shown = usePeople();
  const people = audience.size.data?.matched ?? 0;
  const { universal, held, rest } = divided(
    { purpose: values.purpose, held_bp: (values.held_percent ?? 0) * 100 },
    s?.universal_bp ?? 0,
  );
  const weights = values.arms.reduce((sum, a) => sum + (a.weight ?? 0), 0) || 1;
  const shares = [
    ...values.arms.map((a, i) => ({
      key: String(i),
      name: t('control.version', { name: a.name }),
      share: (rest * (a.weight ?? 0)) / weights,
    })),
    { key: 'held', name: t('report.held'), share: held },
    ...(universal > 0 ? [{ key: 'universal', name: t('report.universal'), share: universal }] : []),
  ];
  const fewest = Math.min(...shares.filter((x) => x.share > 0).map((x) => x.share * people));
  return (
    <div className="push-narrow">
      <Form.Item name="held_percent" label={t('control.held')} extra={t('control.heldHint')}>
        <NumberInput min={0} max={50} precision={2} suffix="%" style={{ width: 160 }} />
      </Form.Item>
      {values.arms.length > 1
        ? values.arms.map((a, i) => (
            <Form.Item
              // biome-ignore lint/suspicious/noArrayIndexKey: versions are named by their place
              key={i}
              name={['arms', i, 'weight']}
              label={t('control.weight', { name: a.name })}
              rules={[{ required: true, message: t('form.needed') }]}
            >
              <NumberInput min={1} max={100} style={{ width: 160 }} />
            </Form.Item>
          ))
        : null}
      <Table
        label={t('control.shares')}
        rows={shares}
        rowKey={(x) => x.key}
        columns={[
          { key: 'name', title: t('report.group'), render: (x) => x.name },
          { key: 'share', title: t('control.share'), align: 'right', render: (x) => `${(100 * x.share).toFixed(1)}%` },
          {
            key: 'people',
            title: t('control.about'),
            align: 'right',
            render: (x) => (people > 0 ? shown.about(Math.round(x.share * people)) : '—'),
          },
        ]}
      />
      {values.purpose === 'service' ? (
        values.held_percent > 0 ? (
          <Alert type="warning" showIcon title={t('control.service')} style={{ margin: '12px 0' }} />
        ) : null
      ) : values.held_percent > 0 || universal > 0 ? null : (
        <Alert type="warning" showIcon title={t('control.none')} style={{ margin: '12px 0' }} />
      )}
      {people > 0 && shares.length > 1 && fewest < 100 ? (
        <Alert type="info" showIcon title={t('control.few')} style={{ margin: '12px 0' }} />
      ) : null}
      {s ? (
        <div className="push-outcome">
          <span>
            {t('control.outcome', {
              days: s.window_days,
              cap: s.cap_fen > 0 ? t('control.cap', { fen: formatFen(s.cap_fen) }) : '',
            })}
          </span>
          <Link to="/pushes/holdout">{t('control.settings')}</Link>
        </div>
      ) : null}
      <Form.Item name="product_ids" label={t('control.products')} extra={t('control.productsHint')}>
        <Products brand={brand} />
      </Form.Item>
      <Form.Item name="why" label={t('field.why')} extra={t('control.whyHint')}>
        <Input maxLength={100} showCount />
      </Form.Item>
    </div>
  );
}
