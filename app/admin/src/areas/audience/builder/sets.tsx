// Conditions that name a set of people: a segment, a list, or some drawn by chance.
import { ReloadOutlined } from '@ant-design/icons';
import { Button, Select, Tooltip } from 'antd';
import { useTranslation } from 'react-i18next';
import { NumberInput } from '@/ui';
import { type Form, named } from './fields';
import { useSource } from './source';

export function SegmentForm({ value, onChange }: Form<'segment'>) {
  const { t } = useTranslation('audience');
  const { segments } = useSource();
  return (
    <>
      <span>{t('rule.inSegment')}</span>
      <Select
        aria-label={t('rule.kind.segment')}
        className="rule-wide"
        value={value.id || undefined}
        placeholder={t('rule.pick')}
        showSearch={{ optionFilterProp: 'label' }}
        options={named(segments, [value.id], t('rule.gone'))}
        onChange={(id) => onChange({ id })}
      />
    </>
  );
}

export function ListForm({ value, onChange }: Form<'list'>) {
  const { t } = useTranslation('audience');
  const { lists } = useSource();
  return (
    <>
      <span>{t('rule.inList')}</span>
      <Select
        aria-label={t('rule.kind.list')}
        className="rule-wide"
        value={value.id || undefined}
        placeholder={t('rule.pick')}
        showSearch={{ optionFilterProp: 'label' }}
        options={named(lists, [value.id], t('rule.gone'))}
        onChange={(id) => onChange({ id })}
      />
    </>
  );
}

/** A salt that no other condition has: its people are drawn anew. */
export const newSalt = () => Math.random().toString(36).slice(2, 10);

export function RandomForm({ value, onChange }: Form<'random'>) {
  const { t } = useTranslation('audience');
  return (
    <>
      <span>{t('rule.randomOf')}</span>
      <NumberInput
        aria-label={t('rule.percent')}
        min={0.01}
        max={100}
        precision={2}
        value={(value.until - value.from) / 100}
        onChange={(v) => onChange({ ...value, from: 0, until: Math.round((v ?? 0) * 100) })}
      />
      <span className="muted">%</span>
      <Tooltip title={t('rule.redraw')}>
        <Button
          type="text"
          icon={<ReloadOutlined />}
          aria-label={t('rule.redraw')}
          onClick={() => onChange({ ...value, salt: newSalt() })}
        />
      </Tooltip>
    </>
  );
}
