import { Alert, Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { useGet, useWrite } from '@/api';
import { useBrand } from '@/app/brand';
import { Can, Danger, formatCount, Page, Section, StateTag, Table, Time, Trail } from '@/ui';

// A key has 2^34 positions.
const positions = 17_179_869_184;

export function Component() {
  const { t } = useTranslation('goods');
  const { brand } = useBrand();
  const id = brand?.id ?? '';
  const keys = useGet('/brands/{id}/keys', { params: { path: { id } }, enabled: Boolean(id) });
  const rotate = useWrite('post', '/brands/{id}/keys', {
    invalidate: ['/brands'],
    done: t('key.rotated'),
    quiet: true,
  });
  return (
    <Page
      title={t('menu.keys')}
      about={t('key.about')}
      actions={
        <Can do="key:write">
          <Danger
            trigger={
              <Button type="primary" disabled={!id}>
                {t('key.rotate')}
              </Button>
            }
            title={t('key.rotateTitle')}
            consequence={t('key.rotateText')}
            name={brand?.name}
            reason
            confirm={t('key.rotate')}
            onConfirm={({ reason }) => rotate.mutateAsync({ params: { path: { id } }, body: { reason } })}
          />
        </Can>
      }
    >
      <Alert type="info" showIcon title={t('key.safe')} style={{ marginBottom: 16 }} />
      <Section>
        <Table
          label={t('menu.keys')}
          rows={keys.data ?? []}
          loading={keys.isPending}
          rowKey={(k) => String(k.slot)}
          empty={t('key.none')}
          columns={[
            { key: 'version', title: t('key.version'), render: (k) => `v${k.version}` },
            {
              key: 'state',
              title: t('state'),
              render: (k) =>
                k.retired_at ? (
                  <StateTag state="ended" labels={{ ended: t('key.retired') }} />
                ) : (
                  <StateTag state="active" labels={{ active: t('key.current') }} />
                ),
            },
            { key: 'slot', title: t('batch.slot'), align: 'right', render: (k) => k.slot },
            {
              key: 'used',
              title: t('key.used'),
              align: 'right',
              about: t('key.usedAbout'),
              render: (k) => `${formatCount(k.next_position)} (${((k.next_position / positions) * 100).toFixed(4)}%)`,
            },
            { key: 'created', title: t('created'), render: (k) => <Time at={k.created_at} /> },
            { key: 'retired', title: t('key.retiredAt'), render: (k) => <Time at={k.retired_at} /> },
          ]}
        />
      </Section>
      <Trail object="key" id={id} />
    </Page>
  );
}
