import { Button, DatePicker, Form, Input } from 'antd';
import dayjs, { type Dayjs } from 'dayjs';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { Broken, Can, FormDrawer, Section, Table, useUndo, Waiting } from '@/ui';

type Values = { day: Dayjs; name: string };

/** Days on which no offers are sent. */
export function Holidays() {
  const { t } = useTranslation('pushes');
  const brand = useBrandID();
  const [year, setYear] = useState(() => dayjs().year());
  const [open, setOpen] = useState(false);
  const found = useGet('/reach/holidays', {
    params: { query: { brand_id: brand, year: String(year) } },
    enabled: Boolean(brand),
  });
  const save = useWrite('put', '/reach/holidays', { invalidate: ['/reach'], quiet: true });
  const drop = useWrite('put', '/reach/holidays', { invalidate: ['/reach'] });
  const offer = useUndo();
  if (found.error && !found.data) return <Broken error={found.error} again={() => void found.refetch()} />;
  if (!found.data) return <Waiting />;
  const days = found.data.days;
  const body = (list: typeof days, of = year) => ({ brand_id: brand, year: of, days: list, reason: '' });
  // The days are sent as they are read by now, with one more or less.
  const seen = found.dataUpdatedAt;
  const put = async (write: typeof save, list: typeof days, done: string) => {
    await write.mutateAsync({ body: body(list), seen });
    offer(done, (send) => send('put', '/reach/holidays', { body: body(days), seen }, ['/reach']));
  };
  return (
    <Section
      title={t('reach.holidays')}
      extra={
        <span className="page-actions">
          <DatePicker
            picker="year"
            aria-label={t('holidays.year')}
            allowClear={false}
            value={dayjs(`${year}-01-01`)}
            onChange={(d) => d && setYear(d.year())}
          />
          <Can do="reach:write">
            <Button type="primary" onClick={() => setOpen(true)}>
              {t('holidays.add')}
            </Button>
          </Can>
        </span>
      }
    >
      <p className="muted">{t('holidays.about')}</p>
      <Table
        rows={days}
        rowKey={(d) => d.day}
        columns={[
          { key: 'day', title: t('holidays.day'), render: (d) => d.day },
          { key: 'name', title: t('holidays.name'), render: (d) => d.name },
        ]}
        actions={(d) => (
          <Can do="reach:write">
            <Button
              type="link"
              size="small"
              onClick={
                () =>
                  put(
                    drop,
                    days.filter((x) => x.day !== d.day),
                    t('holidays.removed', { day: d.day }),
                  ).catch(() => {}) // it was said above the page
              }
            >
              {t('holidays.remove')}
            </Button>
          </Can>
        )}
        empty={t('holidays.empty')}
      />
      <FormDrawer<Values>
        title={t('holidays.add')}
        open={open}
        onClose={() => setOpen(false)}
        onSubmit={async (v) => {
          const day = v.day.format('YYYY-MM-DD');
          const list = [...days.filter((d) => d.day !== day), { day, name: v.name.trim() }];
          await put(
            save,
            list.toSorted((a, b) => a.day.localeCompare(b.day)),
            t('holidays.added', { day }),
          );
        }}
      >
        <Form.Item name="day" label={t('holidays.day')} rules={[{ required: true, message: t('form.needed') }]}>
          <DatePicker disabledDate={(d) => d.year() !== year} defaultPickerValue={dayjs(`${year}-01-01`)} />
        </Form.Item>
        <Form.Item
          name="name"
          label={t('holidays.name')}
          rules={[{ required: true, whitespace: true, message: t('form.needed') }]}
        >
          <Input maxLength={20} placeholder={t('holidays.example')} />
        </Form.Item>
      </FormDrawer>
    </Section>
  );
}
