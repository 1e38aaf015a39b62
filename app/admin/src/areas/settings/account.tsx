import { Button, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { useGet } from '@/api';
import { Broken, Can, Copy, Detail, LinkButton, Page, Section, StateTag, Trail, Waiting } from '@/ui';
import { AccountForm } from './AccountForm';
import { healthTones, healthWords } from './accounts';
import { Health } from './Health';

/** One WeChat account: how it is, what is set, where WeChat calls back. */
export function Component() {
  const { t } = useTranslation('settings');
  const { id = '' } = useParams();
  const at = { params: { path: { id } } };
  const { data: a, dataUpdatedAt, error, refetch } = useGet('/accounts/{id}', at);
  const { data: health } = useGet('/accounts/{id}/health', { ...at, refetchInterval: 15_000 });
  const [open, setOpen] = useState(false);
  if (error && !a) return <Broken error={error} again={() => void refetch()} />;
  if (!a) return <Waiting />;
  return (
    <Page
      title={a.name}
      trail={[{ title: t('accounts.title'), to: '/settings/accounts' }]}
      tag={health ? <StateTag state={health.state} labels={healthWords(t)} tone={healthTones[health.state]} /> : null}
      asOf={health?.as_of}
      actions={
        <>
          {a.kind === 'official' ? (
            <Can do="reply:read">
              <LinkButton to={`/settings/replies?account=${a.id}`}>{t('replies.title')}</LinkButton>
            </Can>
          ) : null}
          <Can do="account:write">
            <Button type="primary" onClick={() => setOpen(true)}>
              {t('edit')}
            </Button>
          </Can>
        </>
      }
    >
      {health ? <Health health={health} /> : null}
      <Section title={t('accounts.facts')}>
        <Detail
          columns={2}
          items={[
            { label: t('accounts.kind'), value: t(`accounts.kinds.${a.kind}`) },
            {
              label: t(
                a.kind === 'merchant' ? 'accounts.mchid' : a.kind === 'wecom' ? 'accounts.corpid' : 'accounts.appid',
              ),
              value: <Copy text={a.app_id} />,
            },
            health?.callback_url
              ? { label: t('accounts.callback'), value: <Copy text={health.callback_url} />, wide: true }
              : null,
            ...Object.entries(a.settings)
              .filter(([, v]) => v !== '' && v !== false)
              .map(([k, v]) => ({
                label: t(`accounts.settings.${k}`),
                value: v === true ? t('yes') : k === 'rail' ? t(`accounts.rails.${v}`) : String(v),
              })),
            {
              label: t('accounts.secretsSet'),
              value: a.has_secrets.length ? (
                <div className="page-actions">
                  {a.has_secrets.map((s) => (
                    <Tag key={s}>{t(`accounts.secrets.${s}`)}</Tag>
                  ))}
                </div>
              ) : (
                t('accounts.noSecret')
              ),
              wide: true,
            },
          ]}
        />
      </Section>
      <Trail object="account" id={a.id} />
      {open && a.brand_id ? (
        <AccountForm brandID={a.brand_id} account={a} seen={dataUpdatedAt} onClose={() => setOpen(false)} />
      ) : null}
    </Page>
  );
}
