import { Button, Form, Input, Switch, TimePicker } from 'antd';
import dayjs, { type Dayjs } from 'dayjs';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet, useWrite } from '@/api';
import { ApiError } from '@/api/error';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { Broken, Empty, FaultAlert, Page, Section, Time, Trail, useFilled, useUndo, Waiting } from '@/ui';

type Values = { on: boolean; from: Dayjs; until: Dayjs; reason?: string };

const stale = ['/brands', '/audit'];
const timeOf = (minute: number) => dayjs('2026-01-01').add(minute, 'minute');
const minuteOf = (t: Dayjs) => t.hour() * 60 + t.minute();

/** When people are left alone (免打扰时段). */
export function Component() {
  const { t } = useTranslation('settings');
  const { t: app } = useTranslation('app');
  const id = useBrandID();
  const may = useCan()('quiet:write');
  const at = { params: { path: { id } } };
  const { data, dataUpdatedAt, error, isPending, refetch } = useGet('/brands/{id}/quiet-hours', {
    ...at,
    enabled: id !== '',
  });
  const save = useWrite('put', '/brands/{id}/quiet-hours', {
    invalidate: stale,
    quiet: true,
  });
  const undo = useUndo();
  const [fault, setFault] = useState<unknown>(null);
  const [form] = Form.useForm<Values>();
  const on = Form.useWatch('on', form);
  const filled = useFilled(form, { data, seen: dataUpdatedAt, of: id }, (d) => {
    const set = d.from_minute !== d.until_minute;
    return { on: set, from: timeOf(set ? d.from_minute : 22 * 60), until: timeOf(set ? d.until_minute : 8 * 60) };
  });
  const submit = async (v: Values) => {
    const read = filled.now();
    if (!read) return;
    setFault(null);
    const body = {
      from_minute: v.on ? minuteOf(v.from) : 0,
      until_minute: v.on ? minuteOf(v.until) : 0,
      reason: v.reason ?? '',
    };
    const { seen } = read;
    const { from_minute, until_minute } = read.data;
    try {
      await filled.save(() => save.mutateAsync({ ...at, body, seen }));
    } catch (error) {
      setFault(error);
      if (!(error instanceof ApiError)) throw error;
      return;
    }
    undo(t('saved'), (send, reason) =>
      send('put', '/brands/{id}/quiet-hours', { ...at, body: { from_minute, until_minute, reason }, seen }, stale),
    );
  };
  return (
    <Page title={t('quiet.title')} about={t('quiet.about')}>
      {error && !data ? <Broken error={error} again={() => void refetch()} /> : null}
      <Section>
        {id === '' ? (
          <Empty title={t('brands.empty')} text={t('quiet.about')} example={t('brands.example')} />
        ) : isPending ? (
          <Waiting height={160} />
        ) : (
          <>
            <FaultAlert
              fault={fault}
              again={() => {
                setFault(null);
                filled.again();
              }}
            />
            <Form<Values>
              form={form}
              name="quiet-hours"
              layout="vertical"
              disabled={!may}
              style={{ maxWidth: 420 }}
              onFinish={(v) => void submit(v)}
            >
              <Form.Item name="on" label={t('quiet.on')} valuePropName="checked">
                <Switch />
              </Form.Item>
              {on ? (
                <>
                  <Form.Item
                    name="from"
                    label={t('quiet.from')}
                    rules={[{ required: true, message: t('quiet.needed') }]}
                  >
                    <TimePicker format="HH:mm" minuteStep={5} allowClear={false} needConfirm={false} />
                  </Form.Item>
                  <Form.Item
                    name="until"
                    label={t('quiet.until')}
                    extra={t('quiet.hint')}
                    rules={[{ required: true, message: t('quiet.needed') }]}
                  >
                    <TimePicker format="HH:mm" minuteStep={5} allowClear={false} needConfirm={false} />
                  </Form.Item>
                </>
              ) : null}
              {may ? (
                <>
                  <Form.Item name="reason" label={app('form.reason')}>
                    <Input maxLength={200} placeholder={app('form.reasonHint')} />
                  </Form.Item>
                  <Button type="primary" htmlType="submit" loading={save.isPending}>
                    {app('form.save')}
                  </Button>
                </>
              ) : null}
              {data?.changed_at ? (
                <p className="muted">
                  {t('brands.updated')} <Time at={data.changed_at} />
                </p>
              ) : null}
            </Form>
          </>
        )}
      </Section>
      <Trail object="quiet_hours" id={id} />
    </Page>
  );
}
