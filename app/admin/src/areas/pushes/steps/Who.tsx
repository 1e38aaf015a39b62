import { Alert, Form, Input, Radio, Select, Slider } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useGet, useList } from '@/api';
import { useCan } from '@/app/session';
import { Funnel } from '@/areas/audience/Funnel';
import { usePeople } from '@/areas/audience/people';
import { Broken, Waiting } from '@/ui';
import { heldFor } from '../draft';
import { useAudience } from '../useAudience';
import type { StepProps } from './step';

/** Who gets it and what for, with the people counted while one chooses. */
export function WhoStep({ values, form, brand, held }: StepProps) {
  const { t } = useTranslation('pushes');
  const can = useCan();
  const people = usePeople();
  const [q, setQ] = useState('');
  const enabled = Boolean(brand);
  const segments = useList('/segments', {
    params: { query: { brand_id: brand, state: 'active', q, limit: '100' } },
    enabled: enabled && can('segment:read'),
  });
  const lists = useList('/segment-lists', {
    params: { query: { brand_id: brand, limit: '100' } },
    enabled: enabled && can('segment:read') && values.who === 'list',
  });
  // The chosen one may be beyond the first hundred, or archived.
  const chosen = useGet('/segments/{id}', {
    params: { path: { id: values.segment_id ?? '' } },
    enabled: values.who === 'segment' && Boolean(values.segment_id),
  });
  const audience = useAudience(brand, values, values.uses);
  const options = (segments.data?.data ?? []).map((s) => ({
    value: s.id,
    label: s.now.as_of ? t('who.counted', { name: s.name, n: people.of(s.now.count) }) : s.name,
  }));
  if (chosen.data && !options.some((o) => o.value === chosen.data.id))
    options.unshift({ value: chosen.data.id, label: chosen.data.name });
  const none = segments.data && options.length === 0 && !q;
  return (
    <div className="push-beside">
      <div>
        <Form.Item
          name="name"
          label={t('field.name')}
          rules={[{ required: true, whitespace: true, message: t('form.needed') }]}
        >
          <Input maxLength={40} showCount placeholder={t('who.nameHint')} />
        </Form.Item>
        <Form.Item name="purpose" label={t('reach.purpose')} extra={t(`who.purpose.${values.purpose}`)}>
          <Radio.Group
            onChange={(e) => form.setFieldValue('held_percent', heldFor(e.target.value, held))}
            options={(['marketing', 'service'] as const).map((value) => ({ value, label: t(`purpose.${value}`) }))}
          />
        </Form.Item>
        <Form.Item name="who" label={t('field.who')}>
          <Radio.Group
            optionType="button"
            options={(['segment', 'list'] as const).map((value) => ({ value, label: t(`field.${value}`) }))}
          />
        </Form.Item>
        {values.who === 'segment' ? (
          <Form.Item
            name="segment_id"
            label={t('field.segment')}
            rules={[{ required: true, message: t('form.needed') }]}
            extra={
              none ? (
                <Link to="/audience/segments/new">{t('who.makeSegment')}</Link>
              ) : (
                chosen.data?.rule.sentence || t('who.segmentHint')
              )
            }
          >
            <Select
              showSearch={{ onSearch: setQ, filterOption: false }}
              options={options}
              placeholder={t('who.segmentChoose')}
              loading={segments.isFetching}
            />
          </Form.Item>
        ) : (
          <Form.Item
            name="list_id"
            label={t('field.list')}
            rules={[{ required: true, message: t('form.needed') }]}
            extra={t('who.listHint')}
          >
            <Select
              showSearch={{ optionFilterProp: 'label' }}
              options={(lists.data?.data ?? []).map((l) => ({
                value: l.id,
                label: l.name,
              }))}
            />
          </Form.Item>
        )}
        <Form.Item
          name="topic"
          label={t('field.topic')}
          extra={t('who.topicHint')}
          rules={[{ pattern: /^[\p{Script=Han}A-Za-z0-9]*$/u, message: t('who.topicForm') }]}
        >
          <Input maxLength={20} />
        </Form.Item>
        <Form.Item name="worth" label={t('field.worth')} extra={t('who.worthHint')}>
          <Slider
            ariaLabelForHandle={t('field.worth')}
            min={0}
            max={100}
            step={10}
            marks={{ 0: t('who.low'), 50: t('who.middle'), 100: t('who.high') }}
          />
        </Form.Item>
      </div>
      <div className="push-live" aria-live="polite">
        <h2>{t('who.live')}</h2>
        {audience.error && !audience.size.data ? (
          <Broken error={audience.error} again={() => void audience.size.refetch()} />
        ) : !audience.chosen ? (
          <p className="muted">{t('who.liveHint')}</p>
        ) : audience.size.data ? (
          <>
            <Funnel data={audience.size.data} stale={audience.size.isFetching} />
            {audience.size.data.matched === 0 ? (
              <Alert
                type="warning"
                showIcon
                title={t(people.under > 0 ? 'who.few' : 'who.nobody', { n: people.under })}
              />
            ) : null}
            {values.uses.length === 0 ? <p className="muted">{t('who.anyWay')}</p> : null}
          </>
        ) : (
          <Waiting />
        )}
      </div>
    </div>
  );
}
