import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { Can, DataTable, Page, StateTag, Tabs, Time } from '@/ui';
import { ListDrawer, ListTable } from './lists';
import { usePeople } from './people';

export function Component() {
  const { t } = useTranslation('audience');
  return (
    <Page title={t('menu.segments')} about={t('segments.about')}>
      <Tabs
        tabs={[
          { key: 'rules', label: t('segments.rules'), content: () => <Segments /> },
          { key: 'lists', label: t('lists.title'), content: () => <Lists /> },
        ]}
      />
    </Page>
  );
}

function Segments() {
  const { t } = useTranslation('audience');
  const people = usePeople();
  const brand = useBrandID();
  const make = (
    <Can do="segment:write">
      <Link to="/audience/segments/new">
        <Button type="primary">{t('segments.create')}</Button>
      </Link>
    </Can>
  );
  return (
    <DataTable
      id="segments"
      path="/segments"
      params={{ query: { brand_id: brand } }}
      enabled={Boolean(brand)}
      toolbar={make}
      to={(g) => `/audience/segments/${g.id}`}
      filters={[
        { name: 'q', label: t('segments.name'), kind: 'text' },
        {
          name: 'state',
          label: t('segments.state'),
          kind: 'select',
          options: ['active', 'archived'].map((value) => ({ value, label: t(`segmentState.${value}`) })),
        },
      ]}
      columns={[
        { key: 'name', title: t('segments.name'), render: (g) => g.name },
        {
          key: 'count',
          title: t('segments.count'),
          align: 'right',
          about: t('segments.countAbout'),
          render: (g) => (g.now.as_of ? people.of(g.now.count) : <span className="muted">{t('segments.notYet')}</span>),
        },
        {
          key: 'asOf',
          title: t('segments.asOf'),
          render: (g) => (g.now.as_of ? <Time at={g.now.as_of} /> : '—'),
        },
        { key: 'note', title: t('segments.note'), render: (g) => g.note || '—' },
        { key: 'version', title: t('segments.version'), align: 'right', render: (g) => g.version, hidden: true },
        {
          key: 'state',
          title: t('segments.state'),
          render: (g) => (
            <StateTag
              state={g.state}
              labels={{ active: t('segmentState.active'), archived: t('segmentState.archived') }}
            />
          ),
        },
        { key: 'changed', title: t('segments.changed'), render: (g) => <Time at={g.changed_at} />, hidden: true },
      ]}
      empty={{
        title: t('segments.empty'),
        text: t('segments.emptyText'),
        action: make,
        example: t('segments.example'),
      }}
    />
  );
}

function Lists() {
  const { t } = useTranslation('audience');
  const brand = useBrandID();
  const [open, setOpen] = useState(false);
  const create = useWrite('post', '/segment-lists', {
    invalidate: ['/segment-lists'],
    done: t('done.saved'),
    quiet: true,
  });
  return (
    <>
      <ListTable
        action={
          <Can do="segment:write">
            <Button type="primary" onClick={() => setOpen(true)}>
              {t('lists.create')}
            </Button>
          </Can>
        }
      />
      <ListDrawer
        open={open}
        onClose={() => setOpen(false)}
        onSubmit={(v) => create.mutateAsync({ body: { brand_id: brand, ...v } })}
      />
    </>
  );
}
