import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { useGet, useWrite } from '@/api';
import { useCan } from '@/app/session';
import { Broken, Can, Copy, Detail, FormDrawer, LinkButton, Page, Section, Time, Trail, Waiting } from '@/ui';
import { AccountList } from './accounts';
import { BrandFields, type BrandForm } from './brands';

/** One brand and its WeChat accounts. */
export function Component() {
  const { t } = useTranslation('settings');
  const { id = '' } = useParams();
  const can = useCan();
  const at = { params: { path: { id } } };
  const { data: b, dataUpdatedAt, error, refetch } = useGet('/brands/{id}', at);
  const [open, setOpen] = useState(false);
  const save = useWrite('put', '/brands/{id}', {
    invalidate: ['/brands', '/trails', '/audit'],
    quiet: true,
    done: t('saved'),
  });
  if (error && !b) return <Broken error={error} again={() => void refetch()} />;
  if (!b) return <Waiting />;
  return (
    <Page
      title={b.name}
      trail={[{ title: t('brands.title'), to: '/settings/brands' }]}
      actions={
        <Can do="brand:write">
          <Button type="primary" onClick={() => setOpen(true)}>
            {t('edit')}
          </Button>
        </Can>
      }
    >
      <Section>
        <Detail
          items={[
            { label: t('brands.slug'), value: <Copy text={b.slug} /> },
            { label: t('brands.host'), value: b.code_host },
            { label: t('brands.upper'), value: t(b.upper_url ? 'yes' : 'no') },
            { label: t('brands.phone'), value: b.support_phone },
            { label: t('brands.created'), value: <Time at={b.created_at} /> },
            { label: t('brands.updated'), value: <Time at={b.updated_at} /> },
          ]}
        />
      </Section>
      {can('account:read') ? (
        <Section
          title={t('accounts.title')}
          extra={<LinkButton to={`/settings/accounts?brand=${b.id}`}>{t('accounts.all')}</LinkButton>}
        >
          <AccountList brandID={b.id} />
        </Section>
      ) : null}
      <Trail object="brand" id={b.id} />
      <FormDrawer<BrandForm>
        title={t('brands.editTitle', { name: b.name })}
        open={open}
        onClose={() => setOpen(false)}
        initial={{ name: b.name, code_host: b.code_host, upper_url: b.upper_url, support_phone: b.support_phone }}
        seen={dataUpdatedAt}
        onSubmit={(v, seen) => save.mutateAsync({ ...at, body: { ...v, slug: b.slug }, seen })}
      >
        {(form) => <BrandFields form={form} />}
      </FormDrawer>
    </Page>
  );
}
