import { Form, Input, Select, Switch } from 'antd';
import { useTranslation } from 'react-i18next';
import { type Body, useWrite } from '@/api';
import { FormDrawer, useOpened } from '@/ui';
import type { Account } from './accounts';
import { Reason } from './parts';

type Input_ = NonNullable<Body<'put', '/brands/{id}/accounts'>>;

// Which secrets and settings an account of a kind has. A merchant's depend on its rail.
const secrets: Record<string, string[]> = {
  official: ['app_secret', 'token', 'aes_key'],
  mini: ['app_secret', 'token', 'aes_key'],
  wecom: ['app_secret', 'token', 'aes_key'],
  redpack: ['api_key_v2', 'client_cert_pem', 'client_key_pem'],
  transfer: ['api_v3_key', 'private_key_pem', 'public_key_pem'],
};
const settings: Record<string, string[]> = {
  official: ['remind_template'],
  mini: [],
  wecom: [],
  redpack: ['pay_app_id', 'send_name', 'scene_id_v2'],
  transfer: ['pay_app_id', 'serial_no', 'public_key_id', 'transfer_scene_id', 'commission_scene_id'],
};
const long = ['client_cert_pem', 'client_key_pem', 'private_key_pem', 'public_key_pem'];

/** AccountForm adds or changes an account. Secrets are only ever written: an empty field
 * keeps what is there. */
export function AccountForm({
  brandID,
  account,
  seen,
  onClose,
}: {
  brandID: string;
  account?: Account;
  /** When the account was read. */
  seen?: number;
  onClose: () => void;
}) {
  const { t } = useTranslation('settings');
  const save = useWrite('put', '/brands/{id}/accounts', {
    invalidate: ['/brands', '/accounts', '/trails', '/audit'],
    quiet: true,
    done: t('saved'),
  });
  const first = useOpened(true, account);
  return (
    <FormDrawer<Input_>
      title={account ? t('accounts.editTitle', { name: account.name }) : t('accounts.new')}
      open
      onClose={onClose}
      width={620}
      initial={
        account
          ? {
              kind: account.kind,
              app_id: account.app_id,
              name: account.name,
              callback_slug: account.callback_slug,
              settings: account.settings,
            }
          : { kind: 'official', settings: { secure: true } }
      }
      seen={seen}
      onSubmit={(v, seen) =>
        save.mutateAsync({
          params: { path: { id: brandID } },
          body: { ...v, settings: { ...first?.settings, ...v.settings }, secrets: filled(v.secrets) },
          seen,
        })
      }
    >
      {(_, v) => {
        const kind = v.kind ?? 'official';
        const group = kind === 'merchant' ? (v.settings?.rail ?? 'transfer') : kind;
        return (
          <>
            <Form.Item name="kind" label={t('accounts.kind')} rules={[{ required: true }]}>
              <Select
                disabled={Boolean(account)}
                options={['official', 'mini', 'merchant', 'wecom'].map((k) => ({
                  value: k,
                  label: t(`accounts.kinds.${k}`),
                }))}
              />
            </Form.Item>
            {kind === 'merchant' ? (
              <Form.Item
                name={['settings', 'rail']}
                label={t('accounts.rail')}
                rules={[{ required: true, message: t('accounts.railNeeded') }]}
              >
                <Select options={['transfer', 'redpack'].map((k) => ({ value: k, label: t(`accounts.rails.${k}`) }))} />
              </Form.Item>
            ) : null}
            <Form.Item
              name="name"
              label={t('accounts.name')}
              rules={[{ required: true, message: t('brands.nameNeeded') }]}
            >
              <Input maxLength={64} />
            </Form.Item>
            <Form.Item
              name="app_id"
              label={t(
                kind === 'merchant' ? 'accounts.mchid' : kind === 'wecom' ? 'accounts.corpid' : 'accounts.appid',
              )}
              rules={[{ required: true, message: t('accounts.appidNeeded') }]}
            >
              <Input disabled={Boolean(account)} spellCheck={false} />
            </Form.Item>
            <Form.Item
              name="callback_slug"
              label={t('accounts.slug')}
              extra={t('accounts.slugHint')}
              rules={[{ required: true, pattern: /^[0-9A-Za-z_-]{4,40}$/, message: t('accounts.slugForm') }]}
            >
              <Input spellCheck={false} maxLength={40} />
            </Form.Item>
            {kind === 'official' || kind === 'mini' ? (
              <Form.Item
                name={['settings', 'secure']}
                label={t('accounts.secure')}
                extra={t('accounts.secureHint')}
                valuePropName="checked"
              >
                <Switch />
              </Form.Item>
            ) : null}
            {group === 'redpack' ? (
              <Form.Item name={['settings', 'sign_type']} label={t('accounts.settings.sign_type')}>
                <Select allowClear options={['HMAC-SHA256', 'MD5'].map((value) => ({ value, label: value }))} />
              </Form.Item>
            ) : null}
            {(settings[group] ?? []).map((name) => (
              <Form.Item
                key={name}
                name={['settings', name]}
                label={t(`accounts.settings.${name}`)}
                extra={t(`accounts.settingHints.${name}`, { defaultValue: '' }) || undefined}
              >
                <Input spellCheck={false} />
              </Form.Item>
            ))}
            {(secrets[group] ?? []).map((name) => {
              const set = account?.has_secrets.includes(name);
              const props = {
                autoComplete: 'off',
                spellCheck: false,
                placeholder: t(set ? 'accounts.keepSecret' : 'accounts.noSecret'),
              };
              return (
                <Form.Item key={name} name={['secrets', name]} label={t(`accounts.secrets.${name}`)}>
                  {long.includes(name) ? <Input.TextArea rows={3} {...props} /> : <Input {...props} />}
                </Form.Item>
              );
            })}
            <Reason />
          </>
        );
      }}
    </FormDrawer>
  );
}

function filled(given: Input_['secrets']): NonNullable<Input_['secrets']> {
  return Object.fromEntries(Object.entries(given ?? {}).filter(([, v]) => typeof v === 'string' && v.trim() !== ''));
}
