import { ReloadOutlined } from '@ant-design/icons';
import { Alert, Button, Form, Input, Modal, Space } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet, useList } from '@/api';
import { useCan } from '@/app/session';
import { Copy } from '@/ui';

/** useBrandOptions are all brands to choose from. */
export function useBrandOptions(): { value: string; label: string }[] {
  const may = useCan()('brand:read');
  const { data } = useList('/brands', { params: { query: { limit: '100' } }, enabled: may });
  return (data?.data ?? []).map((b) => ({ value: b.id, label: b.name }));
}

/** useRoleOptions are the roles to choose from, in the words of the table of roles. */
export function useRoleOptions(): { value: string; label: string }[] {
  const { t } = useTranslation('app');
  const { data } = useGet('/roles');
  return (data ?? []).map((r) => ({ value: r.key, label: t(`roles.${r.key}`, { defaultValue: r.name }) }));
}

const letters = 'abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';

/** newPassword is one that can be read out on the telephone: no l, 1, O or 0. */
export function newPassword(length = 14): string {
  const out: string[] = [];
  while (out.length < length) {
    for (const b of crypto.getRandomValues(new Uint8Array(32))) {
      // A byte beyond the last whole round of letters would make some letters likelier.
      if (b < 256 - (256 % letters.length) && out.length < length) out.push(letters[b % letters.length] ?? '');
    }
  }
  return out.join('');
}

/** PasswordField asks for somebody's password, or makes one. */
export function PasswordField({ onMake }: { onMake: (password: string) => void }) {
  const { t } = useTranslation('settings');
  return (
    <Form.Item label={t('staff.password')} required extra={t('staff.passwordHint')} htmlFor="staff-password">
      <Space.Compact style={{ width: '100%' }}>
        <Form.Item name="password" noStyle rules={[{ required: true, min: 10, message: t('staff.passwordShort') }]}>
          <Input id="staff-password" autoComplete="new-password" spellCheck={false} />
        </Form.Item>
        <Button icon={<ReloadOutlined />} onClick={() => onMake(newPassword())}>
          {t('staff.make')}
        </Button>
      </Space.Compact>
    </Form.Item>
  );
}

/** Reason is asked for by every act that the log should explain. */
export function Reason({ required = false }: { required?: boolean }) {
  const { t } = useTranslation('app');
  return (
    <Form.Item
      name="reason"
      label={t('form.reason')}
      rules={required ? [{ required: true, whitespace: true, message: t('form.reasonNeeded') }] : []}
    >
      <Input maxLength={200} placeholder={t('form.reasonHint')} />
    </Form.Item>
  );
}

/** Once shows a secret the one time that it can be seen. */
export function Once({
  title,
  lines,
  onClose,
}: {
  title: ReactNode;
  lines: [string, string][] | null;
  onClose: () => void;
}) {
  const { t } = useTranslation('settings');
  return (
    <Modal
      open={lines !== null}
      title={title}
      mask={{ closable: false }}
      closable={false}
      footer={
        <Button type="primary" onClick={onClose}>
          {t('once.kept')}
        </Button>
      }
    >
      <Alert type="warning" showIcon title={t('once.text')} style={{ marginBottom: 16 }} />
      {lines?.map(([label, text]) => (
        <p key={label}>
          <span className="muted">{label}</span>
          <br />
          <Copy text={text} />
        </p>
      ))}
    </Modal>
  );
}
