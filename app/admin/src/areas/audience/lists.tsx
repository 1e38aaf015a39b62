import { Form, Input } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useBrandID } from '@/app/brand';
import { DataTable, FormDrawer, Time } from '@/ui';
import { usePeople } from './people';

/** Lists that operators keep by hand, or took out of a segment. */
export function ListTable({ action }: { action: ReactNode }) {
  const { t } = useTranslation('audience');
  const brand = useBrandID();
  const people = usePeople();
  return (
    <DataTable
      id="segment-lists"
      path="/segment-lists"
      params={{ query: { brand_id: brand } }}
      enabled={Boolean(brand)}
      toolbar={action}
      to={(l) => `/audience/lists/${l.id}`}
      columns={[
        { key: 'name', title: t('lists.name'), render: (l) => l.name },
        { key: 'count', title: t('lists.count'), align: 'right', render: (l) => people.of(l.count) },
        { key: 'note', title: t('lists.note'), render: (l) => l.note || '—' },
        { key: 'created', title: t('lists.created'), render: (l) => <Time at={l.created_at} /> },
      ]}
      empty={{ title: t('lists.empty'), text: t('lists.emptyText'), action, example: t('lists.example') }}
    />
  );
}

export type ListValues = { name: string; note: string };

export function ListDrawer({
  open,
  onClose,
  onSubmit,
}: {
  open: boolean;
  onClose: () => void;
  onSubmit: (v: ListValues) => Promise<unknown>;
}) {
  const { t } = useTranslation('audience');
  return (
    <FormDrawer<ListValues>
      title={t('lists.create')}
      open={open}
      onClose={onClose}
      onSubmit={onSubmit}
      initial={{ name: '', note: '' }}
    >
      <Form.Item
        name="name"
        label={t('lists.name')}
        rules={[{ required: true, whitespace: true, message: t('form.needed') }]}
      >
        <Input maxLength={30} showCount />
      </Form.Item>
      <Form.Item name="note" label={t('lists.note')}>
        <Input.TextArea maxLength={200} rows={3} />
      </Form.Item>
    </FormDrawer>
  );
}
