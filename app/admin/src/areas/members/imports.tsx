import { Alert, Button, Form, Input, Upload } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { type Row, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { DataTable, FormDrawer, formatCount, Page, StateTag, Time } from '@/ui';

type Import = Row<'/imports'>;

export function useImportLabels() {
  const { t } = useTranslation('members');
  return Object.fromEntries(
    [
      'receiving',
      'received',
      'checking',
      'checked',
      'running',
      'paused',
      'done',
      'cancelled',
      'failed',
      'undoing',
      'undone',
    ].map((s) => [s, t(`imports.state.${s}`)]),
  );
}

/** Imports: old customers of the brand, from files. */
export function Component() {
  const { t } = useTranslation('members');
  const may = useCan();
  const brand = useBrandID();
  const navigate = useNavigate();
  const labels = useImportLabels();
  const [open, setOpen] = useState(false);
  const [file, setFile] = useState<File | null>(null);
  const upload = useWrite('post', '/imports', { invalidate: ['/imports'], quiet: true });
  const button =
    may('import:write') && brand ? (
      <Button type="primary" onClick={() => setOpen(true)}>
        {t('imports.add')}
      </Button>
    ) : null;
  return (
    <Page title={t('menu.imports')} about={t('imports.about')} watermark actions={button}>
      <DataTable
        id="imports"
        path="/imports"
        params={{ query: { brand_id: brand } as object }}
        enabled={Boolean(brand)}
        to={(i: Import) => `/members/imports/${i.id}`}
        columns={[
          { key: 'name', title: t('imports.name'), render: (i: Import) => i.name },
          { key: 'source', title: t('imports.source'), render: (i: Import) => i.source },
          {
            key: 'state',
            title: t('list.state'),
            render: (i: Import) => (
              <StateTag
                state={i.state}
                labels={labels}
                tone={i.state === 'checked' || i.state === 'received' ? 'blue' : undefined}
              />
            ),
          },
          {
            key: 'rows',
            title: t('imports.rows'),
            align: 'right',
            render: (i: Import) => (i.total_rows ? formatCount(i.total_rows) : '—'),
          },
          { key: 'new', title: t('imports.new'), align: 'right', render: (i: Import) => formatCount(i.new_rows) },
          { key: 'bad', title: t('imports.bad'), align: 'right', render: (i: Import) => formatCount(i.bad_rows) },
          { key: 'at', title: t('identity.at'), render: (i: Import) => <Time at={i.created_at} /> },
        ]}
        empty={{
          title: t('imports.none'),
          text: t('imports.noneText'),
          example: t('imports.noneExample'),
          action: button ?? undefined,
        }}
      />
      <FormDrawer<{ name: string; source: string }>
        title={t('imports.add')}
        open={open}
        onClose={() => {
          setOpen(false);
          setFile(null);
        }}
        submit={t('imports.upload')}
        onSubmit={async (v) => {
          const form = new FormData();
          form.set('brand_id', brand);
          form.set('name', v.name);
          form.set('source', v.source);
          if (file) form.set('file', file, file.name);
          const made = await upload.mutateAsync({ body: form });
          navigate(`/members/imports/${made.id}`);
        }}
      >
        <Alert type="info" showIcon style={{ marginBottom: 16 }} title={t('imports.law')} />
        <Form.Item
          name="file"
          label={t('imports.file')}
          extra={t('imports.fileHint')}
          required
          rules={[
            {
              validator: async () => {
                if (!file) throw new Error(t('imports.fileNeeded'));
              },
            },
          ]}
          valuePropName="none"
        >
          <Upload.Dragger
            accept=".csv,.xlsx"
            maxCount={1}
            beforeUpload={(f) => {
              setFile(f as unknown as File);
              return false;
            }}
            onRemove={() => setFile(null)}
          >
            <p style={{ margin: 16 }}>{t('imports.drop')}</p>
          </Upload.Dragger>
        </Form.Item>
        <Form.Item
          name="name"
          label={t('imports.name')}
          rules={[{ required: true, whitespace: true, message: t('kinds.titleNeeded') }]}
        >
          <Input maxLength={100} placeholder={t('imports.nameHint')} />
        </Form.Item>
        <Form.Item
          name="source"
          label={t('imports.source')}
          extra={t('imports.sourceHint')}
          rules={[{ required: true, whitespace: true, message: t('imports.sourceNeeded') }]}
        >
          <Input maxLength={64} placeholder="tmall-2019" />
        </Form.Item>
      </FormDrawer>
    </Page>
  );
}
