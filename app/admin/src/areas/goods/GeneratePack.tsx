import { Button, Form, Radio } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Body, useWrite } from '@/api';
import { FormDrawer, formatCount, NumberInput } from '@/ui';
import { useOptions } from './words';

type Values = { kind: string; url_form: string; part: 'all' | 'some'; from?: number; to?: number };

/** GeneratePack asks for an encrypted pack of a batch's codes, all or some. */
export function GeneratePack({ batch, primary }: { batch: { id: string; count: number }; primary?: boolean }) {
  const { t } = useTranslation('goods');
  const [open, setOpen] = useState(false);
  const kinds = useOptions('pack.kinds');
  const forms = useOptions('pack.forms');
  const create = useWrite('post', '/exports', {
    invalidate: ['/exports', '/batch-requests', '/batch-alarms'],
    done: t('pack.asked'),
    quiet: true,
  });
  const save = (v: Values) => {
    const body = { batch_id: batch.id, kind: v.kind, url_form: v.url_form } as Body<'post', '/exports'>;
    if (v.part === 'some') Object.assign(body as object, { from_serial: v.from, until_serial: (v.to ?? 0) + 1 });
    return create.mutateAsync({ body });
  };
  return (
    <>
      <Button type={primary ? 'primary' : 'default'} onClick={() => setOpen(true)}>
        {t('pack.generate')}
      </Button>
      <FormDrawer<Values>
        title={t('pack.generate')}
        open={open}
        onClose={() => setOpen(false)}
        initial={{ kind: 'csv', url_form: 'short', part: 'all', from: 1, to: batch.count }}
        onSubmit={save}
        submit={t('pack.generate')}
      >
        {(_, v) => (
          <>
            <Form.Item name="kind" label={t('pack.kind')}>
              <Radio.Group options={kinds} optionType="button" />
            </Form.Item>
            <Form.Item name="url_form" label={t('pack.form')}>
              <Radio.Group options={forms} />
            </Form.Item>
            <Form.Item name="part" label={t('range.which')}>
              <Radio.Group
                options={[
                  { value: 'all', label: t('range.all', { n: formatCount(batch.count) }) },
                  { value: 'some', label: t('range.some') },
                ]}
              />
            </Form.Item>
            {v.part === 'some' ? <SerialInputs max={batch.count} /> : null}
            <p className="muted">{t('pack.how')}</p>
          </>
        )}
      </FormDrawer>
    </>
  );
}

/** SerialInputs are the first and the last serial, both included. */
export function SerialInputs({ max }: { max: number }) {
  const { t } = useTranslation('goods');
  const rules = [{ required: true, message: t('needed') }];
  return (
    <div style={{ display: 'flex', gap: 12 }}>
      <Form.Item name="from" label={t('range.from')} rules={rules} style={{ flex: 1 }}>
        <NumberInput min={1} max={max} style={{ width: '100%' }} />
      </Form.Item>
      <Form.Item name="to" label={t('range.to')} rules={rules} style={{ flex: 1 }}>
        <NumberInput min={1} max={max} style={{ width: '100%' }} />
      </Form.Item>
    </div>
  );
}
