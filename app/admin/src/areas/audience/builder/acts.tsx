// Conditions on what somebody did: one kind of act counted, or several in order.
import { DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { Button, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { NumberInput, TimeInput } from '@/ui';
import { type Form, Numbers, Op, Products } from './fields';
import { needed } from './parts';
import { useSource } from './source';

type Span = 'ever' | 'days' | 'dates';

export function DidForm({ value, onChange }: Form<'did'>) {
  const { t } = useTranslation('audience');
  const { acts } = useSource();
  const act = acts.find((a) => a.what === value.what);
  const measure = value.measure ?? 'count';
  const dates = value.from !== undefined || value.until !== undefined;
  const span: Span = value.within_days ? 'days' : dates ? 'dates' : 'ever';
  const setSpan = (to: Span) => {
    const { within_days: _w, from: _f, until: _u, ...rest } = value;
    onChange(
      to === 'days' ? { ...rest, within_days: 30 } : to === 'dates' ? { ...rest, from: null, until: null } : rest,
    );
  };
  const never = measure === 'count' && value.op === 'eq' && value.values[0] === 0;
  return (
    <>
      <Select<Span>
        aria-label={t('rule.when')}
        value={span}
        options={(['ever', 'days', 'dates'] as const).map((v) => ({ value: v, label: t(`rule.span.${v}`) }))}
        onChange={setSpan}
        popupMatchSelectWidth={false}
      />
      {span === 'days' ? (
        <>
          <NumberInput
            aria-label={t('rule.days')}
            min={1}
            max={3650}
            value={value.within_days}
            onChange={(v) => onChange({ ...value, within_days: v ?? 1 })}
          />
          <span className="muted">{t('rule.daysUnit')}</span>
        </>
      ) : null}
      {span === 'dates' ? (
        <>
          <TimeInput value={value.from ?? null} onChange={(from) => onChange({ ...value, from })} />
          <span className="muted">{t('rule.to')}</span>
          <TimeInput value={value.until ?? null} onChange={(until) => onChange({ ...value, until })} />
        </>
      ) : null}
      <Select<'did' | 'never'>
        aria-label={t('rule.didOrNot')}
        value={never ? 'never' : 'did'}
        options={[
          { value: 'did', label: t('rule.did') },
          { value: 'never', label: t('rule.never') },
        ]}
        onChange={(v) =>
          onChange({ ...value, measure: undefined, op: v === 'did' ? 'gte' : 'eq', values: [v === 'did' ? 1 : 0] })
        }
        popupMatchSelectWidth={false}
      />
      <Select
        aria-label={t('rule.act')}
        value={value.what}
        options={acts.map((a) => ({ value: a.what, label: t(`rule.acts.${a.what}`, { defaultValue: a.title }) }))}
        onChange={(what) => {
          const next = acts.find((a) => a.what === what);
          onChange({
            ...value,
            what,
            product_ids: next?.products ? value.product_ids : undefined,
            except_product_ids: next?.products ? value.except_product_ids : undefined,
            measure: next?.measures.includes(measure) ? value.measure : undefined,
          });
        }}
        popupMatchSelectWidth={false}
      />
      {act?.products ? <Goods value={value} onChange={onChange} /> : null}
      {never ? null : (
        <>
          <Select
            aria-label={t('rule.measure')}
            value={measure}
            options={(act?.measures ?? ['count']).map((m) => ({ value: m, label: t(`rule.measures.${m}`) }))}
            onChange={(m) => onChange({ ...value, measure: m === 'count' ? undefined : m, values: [] })}
            popupMatchSelectWidth={false}
          />
          <Op
            value={value.op}
            ops={['gte', 'lte', 'eq', 'between']}
            onChange={(op) => onChange({ ...value, op, values: value.values.slice(0, needed(op)) })}
          />
          <Numbers
            op={value.op}
            values={value.values}
            money={measure === 'sum_fen'}
            min={measure === 'count' && value.op !== 'lte' ? 1 : 0}
            unit={t(`rule.measureUnit.${measure}`)}
            onChange={(values) => onChange({ ...value, values })}
          />
        </>
      )}
    </>
  );
}

/** Which products an act is about: any, some, or all others of the brand. */
function Goods({ value, onChange }: Form<'did'>) {
  const { t } = useTranslation('audience');
  const except = value.except_product_ids !== undefined;
  const chosen = (except ? value.except_product_ids : value.product_ids) ?? [];
  const set = (to: boolean, ids: readonly string[]) => {
    const { product_ids: _p, except_product_ids: _e, ...rest } = value;
    const some = ids.length > 0 ? [...ids] : undefined;
    onChange(to ? { ...rest, except_product_ids: some ?? [] } : { ...rest, product_ids: some });
  };
  return (
    <>
      <Select<'these' | 'others'>
        aria-label={t('rule.whichProducts')}
        value={except ? 'others' : 'these'}
        options={[
          { value: 'these', label: t('rule.these') },
          { value: 'others', label: t('rule.others') },
        ]}
        onChange={(v) =>
          set(
            v === 'others',
            chosen.filter((i) => i !== null),
          )
        }
        popupMatchSelectWidth={false}
      />
      <Products
        value={chosen}
        placeholder={except ? t('rule.exceptProduct') : undefined}
        onChange={(ids) => set(except, ids)}
      />
    </>
  );
}

export function SequenceForm({ value, onChange }: Form<'sequence'>) {
  const { t } = useTranslation('audience');
  const { acts } = useSource();
  const step = (at: number, to: { what: string; product_ids?: string[] } | null) =>
    onChange({ ...value, steps: value.steps.flatMap((s, i) => (i === at ? (to ? [to] : []) : [s])) });
  return (
    <div className="rule-steps">
      <span>
        {t('rule.sequenceIn')}{' '}
        <NumberInput
          aria-label={t('rule.days')}
          min={1}
          max={3650}
          value={value.within_days}
          onChange={(v) => onChange({ ...value, within_days: v ?? 1 })}
        />{' '}
        {t('rule.sequenceDays')}
      </span>
      {value.steps.map((s, at) => {
        const act = acts.find((a) => a.what === s.what);
        return (
          // Steps are told apart by their place alone.
          // biome-ignore lint/suspicious/noArrayIndexKey: see above
          <div key={at} className="rule-words">
            <span className="muted">{at + 1}</span>
            <Select
              aria-label={t('rule.step', { n: at + 1 })}
              value={s.what}
              options={acts.map((a) => ({ value: a.what, label: t(`rule.acts.${a.what}`, { defaultValue: a.title }) }))}
              onChange={(what) => step(at, { what })}
              popupMatchSelectWidth={false}
            />
            {act?.products ? (
              <Products
                value={s.product_ids ?? []}
                onChange={(ids) => step(at, { ...s, product_ids: ids.length > 0 ? ids : undefined })}
              />
            ) : null}
            {value.steps.length > 2 ? (
              <Button
                type="text"
                icon={<DeleteOutlined />}
                aria-label={t('rule.removeStep', { n: at + 1 })}
                onClick={() => step(at, null)}
              />
            ) : null}
          </div>
        );
      })}
      {value.steps.length < 5 ? (
        <Button
          size="small"
          icon={<PlusOutlined />}
          onClick={() => onChange({ ...value, steps: [...value.steps, { what: acts[0]?.what ?? 'bought' }] })}
        >
          {t('rule.addStep')}
        </Button>
      ) : null}
    </div>
  );
}
