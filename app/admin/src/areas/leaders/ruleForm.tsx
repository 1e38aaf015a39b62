import { Alert, Button, Form, type FormInstance, Input, Radio, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Body, type Data, useGet, useWrite } from '@/api';
import { errorText } from '@/api/error';
import { useBrandID } from '@/app/brand';
import { mark } from '@/i18n/marks';
import { Detail, FormDrawer, formatCount, MoneyInput, NumberInput, TimeInput, useOpened } from '@/ui';
import { Amount } from './commission';
import { useOptions } from './parts';
import { useGoods } from './sources';

type Input_ = Body<'post', '/commission/rules'>;
type Rule = Data<'get', '/commission/rules/{id}'>;
type Form_ = Omit<Input_, 'level'> & { level: string; by: 'each' | 'share'; share_percent?: number };
type Preview = Data<'post', '/commission/rules/preview'>;

/** bodyOf is what the server is sent. Only two triggers and two levels can be chosen: what
 * the law forbids cannot be typed in here, and the server refuses it with the article. */
function bodyOf(v: Form_, brand: string, version?: number): Input_ {
  const { by, share_percent, ...rest } = v;
  return {
    ...rest,
    brand_id: brand,
    each: by === 'each' ? v.each : 0,
    share_bp: by === 'share' ? Math.round((share_percent ?? 0) * 100) : 0,
    budget_fen: v.pay === 'cash' ? v.budget_fen : 0,
    product_ids: v.product_ids ?? [],
    cap_per_day: v.cap_per_day ?? 0,
    cap_per_cycle: v.cap_per_cycle ?? 0,
    min_leader_level: v.min_leader_level ?? 0,
    ...(version ? { version } : {}),
  };
}

/** RuleDrawer makes a rule, or of one that is there a new version. */
export function RuleDrawer({
  rule: now,
  seen,
  open,
  onClose,
}: {
  rule?: Rule;
  /** When the rule was read. */
  seen?: number;
  open: boolean;
  onClose: () => void;
}) {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const options = { invalidate: ['/commission'], quiet: true };
  const create = useWrite('post', '/commission/rules', { ...options, done: t('rules.createdDone') });
  const revise = useWrite('put', '/commission/rules/{id}', { ...options, done: t('rules.revisedDone') });
  const rule = useOpened(open, now);
  const x = rule?.terms;
  return (
    <FormDrawer<Form_>
      title={t(rule ? 'rules.revise' : 'rules.create')}
      open={open}
      onClose={onClose}
      width={640}
      initial={
        x
          ? { ...x, by: x.each ? 'each' : 'share', share_percent: x.share_bp / 100 }
          : {
              trigger: 'claim',
              level: 'one',
              pay: 'cash',
              by: 'each',
              roles: ['leader', 'clerk', 'member'],
              freeze_days: 15,
              min_leader_level: 0,
              product_ids: [],
            }
      }
      seen={seen}
      onSubmit={(v, seen) =>
        rule
          ? revise.mutateAsync({ params: { path: { id: rule.id } }, body: bodyOf(v, brand, rule.version), seen })
          : create.mutateAsync({ body: bodyOf(v, brand) })
      }
    >
      {(form, values) => <Fields form={form} values={values} fixed={Boolean(rule)} brand={brand} />}
    </FormDrawer>
  );
}

function Fields({
  form,
  values,
  fixed,
  brand,
}: {
  form: FormInstance<Form_>;
  values: Partial<Form_>;
  fixed: boolean;
  brand: string;
}) {
  const { t } = useTranslation('leaders');
  const goods = useGoods();
  const roles = useOptions('role');
  const programme = useGet('/brands/{id}/leader-programme', {
    params: { path: { id: brand } },
    enabled: Boolean(brand),
  });
  const cash = values.pay !== 'points';
  const money = cash ? <MoneyInput /> : <NumberInput min={0} style={{ width: '100%' }} />;
  const needed = [{ required: true, message: t('form.needed') }];
  return (
    <>
      {fixed ? <Alert type="info" style={{ marginBottom: 16 }} title={t('rules.reviseText')} /> : null}
      <Form.Item name="name" label={t('rules.name')} rules={needed}>
        <Input maxLength={40} />
      </Form.Item>
      <Form.Item name="trigger" label={t('rules.trigger')} extra={t('rules.triggerHelp')}>
        <Radio.Group
          disabled={fixed}
          options={['claim', 'order'].map((v) => ({ value: v, label: t(`trigger.${v}`) }))}
        />
      </Form.Item>
      <Form.Item name="level" label={t('rules.level')} extra={t('rules.levelHelp')}>
        <Radio.Group
          disabled={fixed}
          options={['one', 'two'].map((v) => ({ value: v, label: t(`rules.level_${v}`) }))}
        />
      </Form.Item>
      <Form.Item name="pay" label={t('commission.pay')}>
        <Radio.Group disabled={fixed} options={['cash', 'points'].map((v) => ({ value: v, label: t(`pay.${v}`) }))} />
      </Form.Item>
      <Form.Item name="by" label={t('rules.by')}>
        <Radio.Group
          options={[
            { value: 'each', label: t('rules.byEach') },
            { value: 'share', label: t('rules.byShare'), disabled: values.trigger !== 'order' },
          ]}
        />
      </Form.Item>
      {values.by === 'share' ? (
        <Form.Item name="share_percent" label={t('rules.share')} rules={needed}>
          <NumberInput min={0.01} max={50} precision={2} suffix="%" style={{ width: '100%' }} />
        </Form.Item>
      ) : (
        <Form.Item name="each" label={t('rules.each')} rules={needed}>
          {money}
        </Form.Item>
      )}
      <Form.Item name="ceiling" label={t('rules.ceiling')} extra={t('rules.ceilingHelp')} rules={needed}>
        {money}
      </Form.Item>
      <Form.Item name="cap_per_day" label={t('rules.capDay')} extra={t('rules.capHelp')}>
        {money}
      </Form.Item>
      <Form.Item name="cap_per_cycle" label={t('rules.capCycle')}>
        {money}
      </Form.Item>
      {cash ? (
        <Form.Item name="budget_fen" label={t('rules.budget')} extra={t('rules.budgetHelp')} rules={needed}>
          <MoneyInput />
        </Form.Item>
      ) : null}
      <Form.Item name="freeze_days" label={t('rules.freezeDays')} extra={t('rules.freezeHelp')} rules={needed}>
        <NumberInput min={0} max={180} style={{ width: '100%' }} />
      </Form.Item>
      <Form.Item name="roles" label={t('rules.roles')} rules={needed}>
        <Select mode="multiple" options={roles} />
      </Form.Item>
      <Form.Item name="min_leader_level" label={t('rules.minLevel')} extra={t('rules.minLevelHelp')}>
        <Select
          options={[
            { value: 0, label: t('rules.anyLevel') },
            ...(programme.data?.levels ?? []).map((l, i) => ({
              value: i + 1,
              label: t('rules.levelFrom', { name: l.name }),
            })),
          ]}
        />
      </Form.Item>
      <Form.Item name="product_ids" label={t('rules.goods')} extra={t('rules.goodsHelp')}>
        <Select mode="multiple" options={goods} optionFilterProp="label" placeholder={t('rules.allGoods')} />
      </Form.Item>
      <Form.Item name="valid_from" label={t('rules.from')}>
        <TimeInput />
      </Form.Item>
      <Form.Item name="valid_until" label={t('rules.until')}>
        <TimeInput />
      </Form.Item>
      <Form.Item name="reason" label={t('form.reason')}>
        <Input maxLength={200} />
      </Form.Item>
      <PreviewBox form={form} brand={brand} pay={values.pay ?? 'cash'} />
    </>
  );
}

/** PreviewBox tries the terms on the sales of the last 30 days; nothing is written. */
function PreviewBox({ form, brand, pay }: { form: FormInstance<Form_>; brand: string; pay: string }) {
  const { t } = useTranslation('leaders');
  const [found, setFound] = useState<Preview | null>(null);
  const [wrong, setWrong] = useState('');
  const preview = useWrite('post', '/commission/rules/preview', { quiet: true });
  const run = async () => {
    setWrong('');
    setFound(null);
    try {
      setFound(await preview.mutateAsync({ body: bodyOf(form.getFieldsValue(true), brand) }));
    } catch (error) {
      setWrong(errorText(error));
    }
  };
  return (
    <div>
      <Button onClick={() => void run()} loading={preview.isPending}>
        {t('rules.preview')}
      </Button>
      {wrong ? <Alert type="error" role="alert" style={{ marginTop: 12 }} title={wrong} /> : null}
      {found ? (
        <div style={{ marginTop: 12 }} role="status">
          <Detail
            columns={2}
            items={[
              { label: t('rules.sales'), value: formatCount(found.sales) + (found.complete ? '' : '+') },
              { label: t('rules.accruals'), value: formatCount(found.accruals) },
              { label: t('rules.earners'), value: formatCount(found.earners) },
              { label: t('rules.would'), value: <Amount pay={pay} n={found.amount} /> },
              { label: t('rules.highest'), value: <Amount pay={pay} n={found.highest} /> },
              {
                label: t('rules.worst'),
                value: found.worst_month < 0 ? t('rules.unbounded') : <Amount pay={pay} n={found.worst_month} />,
              },
              ...Object.entries(found.nothing).map(([why, n]) => ({
                label: t('rules.nothing'),
                value: `${why}${mark('：')}${n}`,
                wide: true,
              })),
            ]}
          />
          {found.warnings.map((w) => (
            <Alert key={w} type="warning" style={{ marginTop: 8 }} title={w} />
          ))}
        </div>
      ) : null}
    </div>
  );
}
