import { ReloadOutlined } from '@ant-design/icons';
import { App, Button, Form, type FormInstance, Input } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Campaign, Draft } from '../draft';
import { Preview } from '../Preview';

/** What consumers read, beside the page as they will see it. */
export function WordsStep({
  campaign,
  form,
  version,
  save,
}: {
  campaign: string;
  form: FormInstance<Draft>;
  version: number;
  save: () => Promise<Campaign | null>;
}) {
  const { t } = useTranslation('campaigns');
  const { modal } = App.useApp();
  const [busy, setBusy] = useState(false);
  const show = async () => {
    setBusy(true);
    await save();
    setBusy(false);
  };
  return (
    <div className="campaign-words">
      <div className="fields">
        <Form.Item
          name="organiser"
          label={t('field.organiser')}
          extra={t('words.organiserHint')}
          rules={[{ required: true, whitespace: true, message: t('need.organiser') }]}
        >
          <Input maxLength={100} onBlur={() => void show()} />
        </Form.Item>
        <Form.Item
          name="rules"
          label={t('field.rules')}
          extra={t('words.rulesHint')}
          rules={[{ required: true, whitespace: true, message: t('need.rules') }]}
        >
          <Input.TextArea rows={8} maxLength={2000} onBlur={() => void show()} />
        </Form.Item>
        <Button
          type="link"
          style={{ padding: 0, marginBottom: 16 }}
          onClick={() => {
            const fill = () => {
              form.setFieldsValue({ rules: t('words.template') });
              void show();
            };
            const now = String(form.getFieldValue('rules') ?? '').trim();
            if (!now || now === t('words.template').trim()) fill();
            else modal.confirm({ title: t('words.replace'), okText: t('words.replaceYes'), onOk: fill });
          }}
        >
          {t('words.useTemplate')}
        </Button>
        <Form.Item name="wishing" label={t('field.wishing')} extra={t('words.wishingHint')}>
          <Input maxLength={60} onBlur={() => void show()} />
        </Form.Item>
        <Button icon={<ReloadOutlined />} loading={busy} onClick={() => void show()}>
          {t('words.refresh')}
        </Button>
      </div>
      <Preview id={campaign} version={version} />
    </div>
  );
}
