import { DeleteOutlined, PlusOutlined } from '@ant-design/icons';
import { Alert, Button, Form, type FormInstance, Input, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { formatCount, formatFen, MoneyInput, NumberInput } from '@/ui';
import type { Batches } from '../batches';
import { codesOf, type Draft, eachText, emptyTier, oddsText, sumsOf, tierCost } from '../draft';

/** The table of prizes, which sums while it is typed: counts, odds to 100 %, cost. */
export function PrizesStep({ values, batches, form }: { values: Draft; batches: Batches; form: FormInstance<Draft> }) {
  const { t } = useTranslation('campaigns');
  const codes = codesOf(values.scopes, batches.counts);
  const sums = sumsOf(values.tiers, codes, values.cap_total);
  const kinds = ['cash', 'points', 'nothing'] as const;
  return (
    <>
      <p className="muted">{t('prizes.about', { codes: formatCount(codes) })}</p>
      <Form.List
        name="tiers"
        rules={[
          {
            validator: (_, list) =>
              (list ?? []).length > 0 ? Promise.resolve() : Promise.reject(new Error(t('need.tier'))),
          },
        ]}
      >
        {(fields, { add, remove }, { errors }) => (
          <>
            {fields.map(({ key, name }) => {
              const row = values.tiers?.[name] ?? emptyTier;
              const cash = row.kind === 'cash';
              const least = (row.min_fen ?? 0) * (row.winners ?? 0);
              const most = (row.max_fen ?? 0) * (row.winners ?? 0);
              return (
                <fieldset key={key} className="campaign-tier">
                  <legend>{t('prizes.nth', { n: name + 1 })}</legend>
                  <div className="campaign-tier-fields">
                    <Form.Item
                      name={[name, 'name']}
                      label={t('prizes.name')}
                      rules={[{ required: true, whitespace: true, message: t('need.tierName') }]}
                    >
                      <Input maxLength={32} placeholder={t('prizes.nameHint')} />
                    </Form.Item>
                    <Form.Item name={[name, 'kind']} label={t('prizes.kind')}>
                      <Select options={kinds.map((k) => ({ value: k, label: t(`kind.${k}`) }))} />
                    </Form.Item>
                    <Form.Item
                      name={[name, 'winners']}
                      label={t('prizes.winners')}
                      rules={[{ required: true, type: 'number', min: 1, message: t('need.winners') }]}
                    >
                      <NumberInput min={0} max={1_000_000_000} style={{ width: '100%' }} />
                    </Form.Item>
                    {cash ? (
                      <Form.Item name={[name, 'ranged']} label={t('prizes.amount')}>
                        <Select
                          options={[
                            { value: false, label: t('prizes.fixed') },
                            { value: true, label: t('prizes.ranged') },
                          ]}
                        />
                      </Form.Item>
                    ) : null}
                    {cash ? (
                      <Form.Item
                        name={[name, 'min_fen']}
                        label={row.ranged ? t('prizes.min') : t('prizes.each')}
                        rules={[{ required: true, message: t('need.amount') }]}
                      >
                        <MoneyInput />
                      </Form.Item>
                    ) : null}
                    {cash && row.ranged ? (
                      <>
                        <Form.Item
                          name={[name, 'max_fen']}
                          label={t('prizes.max')}
                          rules={[
                            { required: true, message: t('need.amount') },
                            {
                              validator: (_, v) =>
                                v === null || v >= (row.min_fen ?? 0)
                                  ? Promise.resolve()
                                  : Promise.reject(new Error(t('need.maxOverMin'))),
                            },
                          ]}
                        >
                          <MoneyInput />
                        </Form.Item>
                        <Form.Item
                          name={[name, 'total_fen']}
                          label={t('prizes.total')}
                          dependencies={[['tiers', name, 'winners']]}
                          extra={
                            row.winners && row.total_fen
                              ? t('prizes.average', { fen: formatFen(Math.round(row.total_fen / row.winners)) })
                              : undefined
                          }
                          rules={[
                            { required: true, message: t('need.amount') },
                            {
                              validator: (_, v) =>
                                v === null || !row.winners || (v >= least && v <= most)
                                  ? Promise.resolve()
                                  : Promise.reject(
                                      new Error(t('need.total', { least: formatFen(least), most: formatFen(most) })),
                                    ),
                            },
                          ]}
                        >
                          <MoneyInput />
                        </Form.Item>
                      </>
                    ) : null}
                    {row.kind === 'points' ? (
                      <Form.Item
                        name={[name, 'points']}
                        label={t('prizes.points')}
                        rules={[{ required: true, type: 'number', min: 1, message: t('need.points') }]}
                      >
                        <NumberInput min={1} max={1_000_000} style={{ width: '100%' }} />
                      </Form.Item>
                    ) : null}
                    <Form.Item name={[name, 'text']} label={t('prizes.text')} className="wide">
                      <Input maxLength={100} placeholder={t('prizes.textHint')} />
                    </Form.Item>
                  </div>
                  <div className="campaign-tier-foot">
                    <span>
                      {t('prizes.odds')} <strong className="nums">{oddsText(row.winners ?? 0, codes)}</strong>
                    </span>
                    <span>
                      {t('prizes.cost')} <strong className="nums">{formatFen(tierCost(row))}</strong>
                    </span>
                    <Button
                      type="text"
                      size="small"
                      icon={<DeleteOutlined />}
                      aria-label={t('prizes.remove', { n: name + 1 })}
                      onClick={() => remove(name)}
                    >
                      {t('action.remove')}
                    </Button>
                  </div>
                </fieldset>
              );
            })}
            <Form.ErrorList errors={errors} />
            <Button icon={<PlusOutlined />} onClick={() => add({ ...emptyTier })}>
              {t('prizes.add')}
            </Button>
            {fields.length === 0 && codes > 0 ? (
              <Button
                type="link"
                onClick={() =>
                  form.setFieldsValue({ tiers: example(codes, t('prizes.sampleTop'), t('prizes.sampleCash')) })
                }
              >
                {t('prizes.sample')}
              </Button>
            ) : null}
          </>
        )}
      </Form.List>
      <SumTable values={values} codes={codes} sums={sums} />
    </>
  );
}

/** example fills an empty table with something that is allowed and easy to change. */
function example(codes: number, top: string, cash: string): Draft['tiers'] {
  const first = Math.max(1, Math.floor(codes / 1000));
  const some = Math.max(1, Math.floor(codes / 5));
  return [
    { ...emptyTier, name: top, winners: first, min_fen: 8800 },
    { ...emptyTier, name: cash, winners: some, ranged: true, min_fen: 100, max_fen: 500, total_fen: some * 150 },
  ];
}

function SumTable({ values, codes, sums }: { values: Draft; codes: number; sums: ReturnType<typeof sumsOf> }) {
  const { t } = useTranslation('campaigns');
  if (!values.tiers?.length) return null;
  return (
    <section aria-label={t('prizes.sum')} style={{ marginTop: 24 }}>
      <h2 className="campaign-sub">{t('prizes.sum')}</h2>
      {sums.rest < 0 ? (
        <Alert
          type="error"
          showIcon
          role="alert"
          style={{ marginBottom: 12 }}
          title={t('prizes.tooMany', { n: formatCount(-sums.rest) })}
        />
      ) : null}
      <div style={{ overflowX: 'auto' }}>
        <table className="campaign-sums">
          <thead>
            <tr>
              <th scope="col">{t('prizes.name')}</th>
              <th scope="col">{t('prizes.winners')}</th>
              <th scope="col">{t('prizes.odds')}</th>
              <th scope="col">{t('prizes.cost')}</th>
            </tr>
          </thead>
          <tbody>
            {values.tiers.map((row, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: rows have no other name
              <tr key={i}>
                <td>{row?.name || t('prizes.nth', { n: i + 1 })}</td>
                <td>{formatCount(row?.winners ?? 0)}</td>
                <td>{percent(row?.winners ?? 0, codes)}</td>
                <td>{formatFen(tierCost(row ?? {}))}</td>
              </tr>
            ))}
            {sums.rest > 0 ? (
              <tr className="muted">
                <td>{t('prizes.rest')}</td>
                <td>{formatCount(sums.rest)}</td>
                <td>{percent(sums.rest, codes)}</td>
                <td>{formatFen(0)}</td>
              </tr>
            ) : null}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">{t('prizes.all')}</th>
              <td>{formatCount(Math.max(sums.winners, codes))}</td>
              <td>{sums.rest >= 0 && codes > 0 ? '100%' : percent(sums.winners, codes)}</td>
              <td>{formatFen(sums.spend)}</td>
            </tr>
          </tfoot>
        </table>
      </div>
      <p style={{ marginTop: 12 }} role="status">
        {t('prizes.worst', { fen: formatFen(sums.worst) })}
        {values.cap_total > 0 ? t('prizes.worstCap', { n: formatCount(values.cap_total) }) : ''}
        {sums.points > 0 ? t('prizes.pointsSum', { n: formatCount(sums.points) }) : ''}
        {sums.spend > 0 && codes > 0 ? t('prizes.perCode', { each: eachText(sums.spend, codes) }) : ''}
      </p>
    </section>
  );
}

function percent(n: number, of: number): string {
  if (!of) return '—';
  const p = (n * 100) / of;
  return `${p.toFixed(p > 0 && p < 0.01 ? 6 : 2)}%`;
}
