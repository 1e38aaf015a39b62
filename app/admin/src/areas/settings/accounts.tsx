import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Data } from '@/api';
import { useGet } from '@/api';
import { useBrandID } from '@/app/brand';
import { Can, Empty, Page, Section, StateTag, Table, Time, Waiting } from '@/ui';
import { AccountForm } from './AccountForm';

export type Account = Data<'get', '/accounts/{id}'>;

/** The WeChat accounts of the chosen brand (微信账号). */
export function Component() {
  const { t } = useTranslation('settings');
  const brandID = useBrandID();
  const [open, setOpen] = useState(false);
  const button = (
    <Can do="account:write">
      <Button type="primary" disabled={!brandID} onClick={() => setOpen(true)}>
        {t('accounts.new')}
      </Button>
    </Can>
  );
  return (
    <Page title={t('accounts.title')} about={t('accounts.about')} actions={button}>
      <Section>{brandID ? <AccountList brandID={brandID} /> : null}</Section>
      {open ? <AccountForm brandID={brandID} onClose={() => setOpen(false)} /> : null}
    </Page>
  );
}

/** AccountList shows a brand's accounts and how each of them is. */
export function AccountList({ brandID }: { brandID: string }) {
  const { t } = useTranslation('settings');
  const { data, isPending } = useGet('/brands/{id}/accounts', { params: { path: { id: brandID } } });
  const { data: health } = useGet('/brands/{id}/account-health', {
    params: { path: { id: brandID } },
    refetchInterval: 30_000,
  });
  if (isPending) return <Waiting height={120} />;
  if (!data?.length) {
    return <Empty title={t('accounts.empty')} text={t('accounts.about')} example={t('accounts.example')} />;
  }
  return (
    <Table
      rows={data}
      to={(a) => `/settings/accounts/${a.id}`}
      columns={[
        { key: 'name', title: t('accounts.name'), render: (a) => a.name },
        { key: 'kind', title: t('accounts.kind'), render: (a) => t(`accounts.kinds.${a.kind}`) },
        { key: 'app', title: t('accounts.appid'), render: (a) => a.app_id },
        {
          key: 'health',
          title: t('health.title'),
          render: (a) => {
            const h = health?.find((x) => x.account_id === a.id);
            return h ? <StateTag state={h.state} labels={healthWords(t)} tone={healthTones[h.state]} /> : '—';
          },
        },
        { key: 'updated', title: t('brands.updated'), render: (a) => <Time at={a.updated_at} /> },
      ]}
    />
  );
}

export const healthTones: Record<string, 'green' | 'orange' | 'red' | 'grey'> = {
  ok: 'green',
  warn: 'orange',
  bad: 'red',
  unused: 'grey',
};

export function healthWords(t: (key: string) => string): Record<string, string> {
  return { ok: t('health.ok'), warn: t('health.warn'), bad: t('health.bad'), unused: t('health.unused') };
}
