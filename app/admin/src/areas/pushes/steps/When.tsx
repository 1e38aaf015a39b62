import { Alert, Form, Radio } from 'antd';
import { useTranslation } from 'react-i18next';
import { useGet } from '@/api';
import { usePeople } from '@/areas/audience/people';
import { formatCount, NumberInput, TimeInput } from '@/ui';
import { Quiet } from '../Quiet';
import { useAudience } from '../useAudience';
import { Countdown, lasts } from '../when';
import type { StepProps } from './step';

/** When it begins and how fast it goes. */
export function WhenStep({ values, brand }: StepProps) {
  const { t } = useTranslation('pushes');
  const policy = useGet('/brands/{id}/push-policy', { params: { path: { id: brand } } });
  const audience = useAudience(brand, values, values.uses);
  const speed = values.per_second || policy.data?.per_second || 0;
  const shown = usePeople();
  const people = audience.size.data?.reachable ?? 0;
  const past = values.start_at ? Date.parse(values.start_at) <= Date.now() : false;
  return (
    <div className="push-narrow">
      <Form.Item name="timing" label={t('field.when')} extra={t(`when.about.${values.timing}`)}>
        <Radio.Group
          vertical
          options={(['now', 'at', 'best'] as const).map((value) => ({ value, label: t(`timing.${value}`) }))}
        />
      </Form.Item>
      {values.timing === 'now' ? null : (
        <Form.Item
          name="start_at"
          label={t(values.timing === 'best' ? 'when.from' : 'when.at')}
          rules={[{ required: values.timing === 'at', message: t('form.needed') }]}
          extra={values.start_at && !past ? <Countdown at={values.start_at} /> : t('when.zone')}
        >
          <TimeInput />
        </Form.Item>
      )}
      {values.timing !== 'now' && past ? (
        <Alert type="warning" showIcon title={t('when.past')} style={{ marginBottom: 16 }} />
      ) : null}
      <Form.Item
        name="per_second"
        label={t('field.perSecond')}
        extra={t('when.speedHint', { n: formatCount(policy.data?.per_second ?? 0) })}
      >
        <NumberInput min={0} max={5000} style={{ width: 160 }} />
      </Form.Item>
      {people > 0 && speed > 0 ? (
        <p>{t('when.lasts', { n: shown.of(people), time: lasts(t, people / speed) })}</p>
      ) : null}
      <p className="muted">{t('when.missed')}</p>
      <Quiet brand={brand} />
    </div>
  );
}
