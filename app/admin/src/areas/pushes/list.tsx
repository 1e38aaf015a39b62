import { PlusOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { useList, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { usePeople } from '@/areas/audience/people';
import { Can, DataTable, LinkButton, Page, Time } from '@/ui';
import { PushState, pushStates } from './state';

/** All messages to people of segments, newest first. */
export function Component() {
  const { t } = useTranslation('pushes');
  const brand = useBrandID();
  const people = usePeople();
  const can = useCan();
  const navigate = useNavigate();
  const segments = useList('/segments', {
    params: { query: { brand_id: brand, limit: '100' } },
    enabled: Boolean(brand) && can('segment:read'),
  });
  const named = new Map((segments.data?.data ?? []).map((s) => [s.id, s.name]));
  const copy = useWrite('post', '/pushes/{id}/copy', {
    invalidate: ['/pushes'],
    done: t('done.copied'),
    onDone: (p) => navigate(`/pushes/${p.id}/edit`),
  });
  const create = (
    <Can do="push:write">
      <LinkButton to="/pushes/new" type="primary" icon={<PlusOutlined />}>
        {t('list.create')}
      </LinkButton>
    </Can>
  );
  return (
    <Page title={t('menu.pushes')} about={t('list.about')}>
      <DataTable
        id="pushes"
        path="/pushes"
        params={{ query: { brand_id: brand } }}
        enabled={Boolean(brand)}
        to={(p) => `/pushes/${p.id}`}
        toolbar={create}
        refetchInterval={10_000}
        filters={[
          { name: 'q', kind: 'text', label: t('field.name') },
          {
            name: 'state',
            kind: 'select',
            label: t('field.state'),
            options: pushStates.map((value) => ({ value, label: t(`state.${value}`) })),
          },
          {
            name: 'segment_id',
            kind: 'select',
            label: t('field.segment'),
            options: [...named].map(([value, label]) => ({ value, label })),
          },
        ]}
        columns={[
          { key: 'name', title: t('field.name'), width: 200, render: (p) => p.name },
          { key: 'state', title: t('field.state'), width: 120, render: (p) => <PushState state={p.state} /> },
          { key: 'purpose', title: t('reach.purpose'), width: 100, render: (p) => t(`purpose.${p.purpose}`) },
          {
            key: 'who',
            title: t('field.who'),
            render: (p) =>
              p.list_id && p.list_id !== '0' ? t('field.list') : (named.get(p.segment_id ?? '') ?? t('field.segment')),
          },
          {
            key: 'ways',
            title: t('reach.ways'),
            render: (p) =>
              [...new Set(p.uses.map((u) => t(`channel.${u.channel}`, { defaultValue: u.channel })))].join(' → ') ||
              '—',
          },
          {
            key: 'people',
            title: t('field.people'),
            about: t('field.peopleAbout'),
            align: 'right',
            render: (p) =>
              p.frozen_at ? people.of(p.people) : p.submitted_at || p.expected ? people.about(p.expected) : '—',
          },
          {
            key: 'when',
            title: t('field.when'),
            width: 170,
            render: (p) =>
              p.started_at ? (
                <Time at={p.started_at} />
              ) : p.start_at ? (
                <Time at={p.start_at} />
              ) : (
                t(`timing.${p.timing}`)
              ),
          },
          { key: 'created', title: t('field.created'), hidden: true, render: (p) => <Time at={p.created_at} /> },
          { key: 'id', title: t('field.id'), hidden: true, render: (p) => p.id },
        ]}
        actions={(p) => (
          <Can do="push:write">
            {p.state === 'draft' ? (
              <LinkButton to={`/pushes/${p.id}/edit`} size="small" type="link">
                {t('action.edit')}
              </LinkButton>
            ) : null}
            <Button
              size="small"
              type="link"
              loading={copy.isPending && copy.variables?.params?.path?.id === p.id}
              onClick={() => copy.mutate({ params: { path: { id: p.id } }, body: { reason: '' } })}
            >
              {t('action.copy')}
            </Button>
          </Can>
        )}
        empty={{ title: t('list.empty'), text: t('list.emptyText'), example: t('list.example'), action: create }}
      />
    </Page>
  );
}
