import { Button, Form, Input, Switch, TimePicker } from 'antd';
import dayjs, { type Dayjs } from 'dayjs';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { Broken, Empty, Page, Section, Time, Trail, useUndo, Waiting } from '@/ui';

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
  });
  const undo = useUndo();
  const [form] = Form.useForm<Values>();
  const on = Form.useWatch('on', form);
  useEffect(() => {
    if (!data) return;
    const set = data.from_minute !== data.until_minute;
    form.setFieldsValue({
      on: set,
      from: timeOf(set ? data.from_minute : 22 * 60),
      until: timeOf(set ? data.until_minute : 8 * 60),
    });
  }, [data, form]);
  return (
    <Page title={t('quiet.title')} about={t('quiet.about')}>
      {error ? <Broken error={error} again={() => void refetch()} /> : null}
      <Section>
        {id === '' ? (
          <Empty title={t('brands.empty')} text={t('quiet.about')} example={t('brands.example')} />
        ) : isPending ? (
          <Waiting height={160} />
        ) : (
          <Form<Values>
            form={form}
            name="quiet-hours"
            layout="vertical"
            disabled={!may}
            style={{ maxWidth: 420 }}
            onFinish={(v) => {
              if (!data) return;
              const body = {
                from_minute: v.on ? minuteOf(v.from) : 0,
                until_minute: v.on ? minuteOf(v.until) : 0,
                reason: v.reason ?? '',
              };
              const { from_minute, until_minute } = data;
              save.mutate(
                { ...at, body, seen: dataUpdatedAt },
                {
                  onSuccess: () =>
                    undo(t('saved'), (send, reason) =>
                      send(
                        'put',
                        '/brands/{id}/quiet-hours',
                        { ...at, body: { from_minute, until_minute, reason } },
                        stale,
                      ),
                    ),
                },
              );
            }}
          >
            <Form.Item name="on" label={t('quiet.on')} valuePropName="checked">
              <Switch />
            </Form.Item>
            {on ? (
              <>
                <Form.Item name="from" label={t('quiet.from')} rules={[{ required: true, message: t('quiet.needed') }]}>
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
        )}
      </Section>
      <Trail object="quiet_hours" id={id} />
    </Page>
  );
}
