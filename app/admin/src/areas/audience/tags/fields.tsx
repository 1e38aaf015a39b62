import { Form, Input, Select, Switch } from 'antd';
import { useTranslation } from 'react-i18next';
import { NumberInput } from '@/ui';
import { type Branch, classes, none, places, refreshes, roleKeys, type TagDetail, useOperators } from './words';

/** What of a tag may be typed in, beside what it means. */
export type Words = {
  name: string;
  class: string;
  category_id: string;
  purpose: string;
  intended_use: string;
  owner_id: string;
  sensitive: boolean;
  roles: string[];
  ttl_days: number | null;
  refresh_minutes: number;
  review_days: number | null;
  idle_days: number | null;
};

export const beginning = (owner: string): Words => ({
  name: '',
  class: 'consumption',
  category_id: none,
  purpose: '',
  intended_use: '',
  owner_id: owner,
  sensitive: false,
  roles: [],
  ttl_days: 0,
  refresh_minutes: 1440,
  review_days: 180,
  idle_days: 90,
});

export const wordsOf = (g: TagDetail): Words => ({
  name: g.name,
  class: g.class,
  category_id: g.category_id ?? none,
  purpose: g.purpose,
  intended_use: g.intended_use,
  owner_id: g.owner_id ?? '',
  sensitive: g.sensitive,
  roles: [...g.roles],
  ttl_days: g.ttl_days,
  refresh_minutes: g.refresh_minutes,
  review_days: g.review_days,
  idle_days: g.idle_days,
});

/** sent makes numbers of fields that were emptied. */
export function sent(v: Words, kind: string) {
  return {
    ...v,
    kind,
    category_id: v.category_id === none ? null : v.category_id,
    ttl_days: kind === 'rule' ? 0 : (v.ttl_days ?? 0),
    refresh_minutes: kind === 'rule' ? v.refresh_minutes : 0,
    review_days: v.review_days ?? 0,
    idle_days: v.idle_days ?? 0,
  };
}

/** What a tag is called, where it hangs, what for and who answers for it. */
export function PurposeFields({
  tree,
  values,
  operators,
}: {
  tree: readonly Branch[];
  values: Partial<Words>;
  /** Names that are known already. */
  operators?: Readonly<Record<string, string>>;
}) {
  const { t } = useTranslation('audience');
  const form = Form.useFormInstance<Words>();
  const people = useOperators(operators);
  const needed = { required: true, whitespace: true, message: t('form.needed') };
  return (
    <>
      <Form.Item name="name" label={t('tag.name')} rules={[needed]}>
        <Input maxLength={20} showCount placeholder={t('tag.nameExample')} />
      </Form.Item>
      <div className="tag-pair">
        <Form.Item name="class" label={t('tag.classTitle')}>
          <Select
            options={classes.map((value) => ({ value, label: t(`tag.class.${value}`) }))}
            onChange={() => form.setFieldValue('category_id', none)}
          />
        </Form.Item>
        <Form.Item name="category_id" label={t('tag.category')}>
          <Select options={places(tree, values.class ?? '', t('tag.noCategory'))} />
        </Form.Item>
      </div>
      <Form.Item name="purpose" label={t('tag.purpose')} rules={[needed]}>
        <Input.TextArea rows={2} maxLength={200} showCount placeholder={t('tag.purposeExample')} />
      </Form.Item>
      <Form.Item name="intended_use" label={t('tag.use')} rules={[needed]}>
        <Input.TextArea rows={2} maxLength={200} showCount placeholder={t('tag.useExample')} />
      </Form.Item>
      <Form.Item name="owner_id" label={t('tag.owner')} extra={t('tag.ownerHint')} rules={[needed]}>
        <Select
          showSearch={{ optionFilterProp: 'label' }}
          options={
            people.options.some((o) => o.value === values.owner_id)
              ? people.options
              : [...people.options, { value: values.owner_id ?? '', label: people.name(values.owner_id) }]
          }
        />
      </Form.Item>
    </>
  );
}

/** How long values live, how often they are computed, who may see them. */
export function KeepFields({ kind, values }: { kind: string; values: Partial<Words> }) {
  const { t } = useTranslation('audience');
  const { t: app } = useTranslation('app');
  const days = (least: number) => ({
    type: 'number' as const,
    required: true,
    min: least,
    max: 3660,
    message: t('tag.daysBetween', { least }),
  });
  return (
    <>
      {kind === 'rule' ? (
        <Form.Item name="refresh_minutes" label={t('tag.refresh')} extra={t('tag.refreshHint')}>
          <Select
            options={[...new Set([...refreshes, values.refresh_minutes ?? 0])].map((value) => ({
              value,
              label: refreshText(t, value),
            }))}
          />
        </Form.Item>
      ) : (
        <Form.Item name="ttl_days" label={t('tag.ttl')} extra={t('tag.ttlHint')} rules={[days(0)]}>
          <NumberInput min={0} max={3660} suffix={t('tag.dayUnit')} />
        </Form.Item>
      )}
      <div className="tag-pair">
        <Form.Item name="review_days" label={t('tag.review')} extra={t('tag.reviewHint')} rules={[days(7)]}>
          <NumberInput min={7} max={3660} suffix={t('tag.dayUnit')} />
        </Form.Item>
        <Form.Item name="idle_days" label={t('tag.idle')} extra={t('tag.idleHint')} rules={[days(7)]}>
          <NumberInput min={7} max={3660} suffix={t('tag.dayUnit')} />
        </Form.Item>
      </div>
      <Form.Item
        name="sensitive"
        label={t('tag.sensitiveTitle')}
        valuePropName="checked"
        extra={t('tag.sensitiveHint')}
      >
        <Switch />
      </Form.Item>
      <Form.Item
        name="roles"
        label={t('tag.roles')}
        extra={t('tag.rolesHint')}
        rules={[{ required: Boolean(values.sensitive), type: 'array', message: t('tag.rolesNeeded') }]}
      >
        <Select
          mode="multiple"
          maxCount={10}
          placeholder={t('tag.allRoles')}
          options={roleKeys.map((value) => ({ value, label: app(`roles.${value}`) }))}
        />
      </Form.Item>
    </>
  );
}

type Text = (key: string, values?: Record<string, unknown>) => string;

export function refreshText(t: Text, minutes: number): string {
  if (minutes === 0) return t('tag.refreshes.never');
  const named = { 60: 'hour', 1440: 'day', 10080: 'week' }[minutes];
  if (named) return t(`tag.refreshes.${named}`);
  if (minutes % 1440 === 0) return t('tag.refreshes.days', { n: minutes / 1440 });
  return minutes % 60 === 0
    ? t('tag.refreshes.hours', { n: minutes / 60 })
    : t('tag.refreshes.minutes', { n: minutes });
}
