import { PlusOutlined } from '@ant-design/icons';
import { Button, Form, Input, Radio, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useGet, useWrite } from '@/api';
import { useCan } from '@/app/session';
import { spoken } from '@/i18n/server';
import { Danger, FormDrawer, formatCount, Section, StateTag, Table, Time } from '@/ui';
import type { Flow } from './batch';
import { SerialInputs } from './GeneratePack';

type Values = { part: 'all' | 'some'; from?: number; to?: number; dealer?: string; provinces: string[] };

/** Territories are where the goods of a batch are meant to be sold. */
export function Territories({ flow, batch }: { flow: Flow; batch: { id: string; count: number } }) {
  const { t } = useTranslation('goods');
  const can = useCan();
  const [open, setOpen] = useState(false);
  const stale = ['/batch-requests', '/batches', '/diversions'];
  const provinces = useGet('/provinces', { enabled: open });
  const put = useWrite('post', '/batches/{id}/territories', {
    invalidate: stale,
    done: t('territory.saved'),
    quiet: true,
  });
  const end = useWrite('post', '/territories/{id}/end', { invalidate: stale, done: t('territory.ended'), quiet: true });
  const share = (x: { scans: number; outside: number }) =>
    x.scans ? `${((x.outside / x.scans) * 100).toFixed(1)}%` : '—';
  return (
    <Section
      title={t('territory.section')}
      extra={
        can('diversion:write') ? (
          <Button icon={<PlusOutlined />} onClick={() => setOpen(true)}>
            {t('territory.add')}
          </Button>
        ) : null
      }
    >
      <p className="muted">{t('territory.about')}</p>
      <Table
        label={t('territory.section')}
        rows={flow.territories}
        empty={t('territory.none')}
        columns={[
          { key: 'dealer', title: t('territory.dealer'), render: (x) => x.dealer || '—' },
          {
            key: 'provinces',
            title: t('territory.provinces'),
            render: (x) => x.provinces.map(spoken).join(t('comma')),
          },
          {
            key: 'serials',
            title: t('range.serials'),
            render: (x) => (
              <span className="nums">
                {formatCount(x.from_serial)} – {formatCount(x.until_serial - 1)}
              </span>
            ),
          },
          { key: 'scans', title: t('batch.firsts'), align: 'right', render: (x) => formatCount(x.scans) },
          {
            key: 'outside',
            title: t('territory.outside'),
            align: 'right',
            render: (x) =>
              x.outside && can('scan:read') ? (
                <Link to={`/goods/diversions?batch_id=${batch.id}`}>
                  {formatCount(x.outside)} ({share(x)})
                </Link>
              ) : (
                `${formatCount(x.outside)} (${share(x)})`
              ),
          },
          {
            key: 'since',
            title: t('territory.since'),
            render: (x) => (x.ended_at ? <StateTag state="ended" /> : <Time at={x.created_at} />),
          },
        ]}
        actions={
          can('diversion:write')
            ? (x) =>
                x.ended_at ? null : (
                  <Danger
                    danger={false}
                    trigger={
                      <Button type="link" size="small">
                        {t('territory.end')}
                      </Button>
                    }
                    title={t('territory.endTitle')}
                    consequence={t('territory.endText')}
                    reason
                    onConfirm={({ reason }) => end.mutateAsync({ params: { path: { id: x.id } }, body: { reason } })}
                  />
                )
            : undefined
        }
      />
      <FormDrawer<Values>
        title={t('territory.add')}
        open={open}
        onClose={() => setOpen(false)}
        initial={{ part: 'all', from: 1, to: batch.count, provinces: [] }}
        onSubmit={(v) =>
          put.mutateAsync({
            params: { path: { id: batch.id } },
            body: {
              dealer: v.dealer ?? '',
              provinces: v.provinces,
              from_serial: v.part === 'some' ? v.from : 0,
              until_serial: v.part === 'some' ? (v.to ?? 0) + 1 : 0,
            },
          })
        }
      >
        {(_, v) => (
          <>
            <Form.Item
              name="provinces"
              label={t('territory.provinces')}
              rules={[{ required: true, message: t('needed') }]}
            >
              <Select
                mode="multiple"
                showSearch
                options={(provinces.data ?? []).map((p) => ({ value: p, label: spoken(p) }))}
              />
            </Form.Item>
            <Form.Item name="dealer" label={t('territory.dealer')}>
              <Input maxLength={100} />
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
          </>
        )}
      </FormDrawer>
    </Section>
  );
}
