import { LockOutlined } from '@ant-design/icons';
import { Alert, Tooltip } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { useList } from '@/api';
import { useBrandID } from '@/app/brand';
import { Can, DataTable, LinkButton, Page, StateTag, Time } from '@/ui';
import { usePeople as useShown } from '../people';
import { Classes } from './Classes';
import { kinds, pathOf, states, type Tag, useOperators, useTagStates, useTree } from './words';
import '../audience.css';

/** The tags of a brand: the tree at the left, the list at the right. */
export function Component() {
  const { t } = useTranslation('audience');
  const shown = useShown();
  const brand = useBrandID();
  const [search] = useSearchParams();
  const people = useOperators();
  const tree = useTree(brand);
  const labels = useTagStates();
  const actions = (
    <Can do="tag:write">
      <LinkButton to="/audience/tags/templates">{t('tag.templates')}</LinkButton>
      <LinkButton type="primary" to="/audience/tags/new">
        {t('tag.create')}
      </LinkButton>
    </Can>
  );
  const picked = (names: readonly string[]) => names.map((value) => ({ value, label: t(`tag.kind.${value}`) }));
  return (
    <Page title={t('menu.tags')} about={t('tag.about')} actions={actions}>
      <Notices brand={brand} />
      <div className="tag-two">
        <Classes brand={brand} />
        <div style={{ minWidth: 0 }}>
          <DataTable
            id="tags"
            path="/tags"
            params={{
              query: {
                brand_id: brand,
                class: (search.get('class') ?? undefined) as never,
                category_id: search.get('category_id') ?? undefined,
              },
            }}
            enabled={Boolean(brand)}
            to={(x) => `/audience/tags/${x.id}`}
            filters={[
              { name: 'q', label: t('tag.find'), kind: 'text' },
              {
                name: 'state',
                label: t('tag.stateTitle'),
                kind: 'select',
                options: states.map((value) => ({ value, label: labels[value] ?? value })),
              },
              { name: 'kind', label: t('tag.kindTitle'), kind: 'select', options: picked(kinds) },
              {
                name: 'owner_id',
                label: t('tag.owner'),
                kind: 'select',
                options: people.options,
              },
              {
                name: 'proposed',
                label: t('tag.proposed'),
                kind: 'select',
                options: [{ value: '1', label: t('tag.proposedOnly') }],
              },
              { name: 'due', label: t('tag.due'), kind: 'select', options: [{ value: '1', label: t('tag.dueOnly') }] },
            ]}
            columns={[
              { key: 'name', title: t('tag.name'), render: (x) => <Name tag={x} /> },
              { key: 'place', title: t('tag.place'), render: (x) => pathOf(tree, x, t) },
              { key: 'kind', title: t('tag.kindTitle'), render: (x) => t(`tag.kind.${x.kind}`) },
              {
                key: 'state',
                title: t('tag.stateTitle'),
                render: (x) => <StateTag state={x.state} labels={labels} />,
              },
              {
                key: 'people',
                title: t('tag.people'),
                align: 'right',
                about: t('tag.peopleAbout'),
                render: (x) => (x.counted_at ? shown.of(x.people) : '—'),
              },
              { key: 'owner', title: t('tag.owner'), render: (x) => people.name(x.owner_id) },
              {
                key: 'used',
                title: t('tag.used'),
                about: t('tag.usedAbout'),
                render: (x) => (x.used_at ? <Time at={x.used_at} precise={false} /> : '—'),
              },
              { key: 'purpose', title: t('tag.purpose'), render: (x) => x.purpose, hidden: true },
              { key: 'use', title: t('tag.use'), render: (x) => x.intended_use, hidden: true },
              { key: 'counted', title: t('segments.asOf'), render: (x) => <Time at={x.counted_at} />, hidden: true },
            ]}
            empty={{
              title: t(search.get('class') || search.get('category_id') ? 'tag.emptyHere' : 'tag.empty'),
              text: t('tag.emptyText'),
              action: (
                <Can do="tag:write">
                  <LinkButton type="primary" to="/audience/tags/templates">
                    {t('tag.pickTemplate')}
                  </LinkButton>
                </Can>
              ),
              example: t('tag.example'),
            }}
          />
        </div>
      </div>
    </Page>
  );
}

function Name({ tag }: { tag: Tag }) {
  const { t } = useTranslation('audience');
  return (
    <>
      {tag.name}
      {tag.sensitive ? (
        <Tooltip title={t('tag.sensitive')}>
          <LockOutlined aria-label={t('tag.sensitive')} style={{ marginLeft: 4 }} />
        </Tooltip>
      ) : null}
    </>
  );
}

/** Notices say what waits for somebody: an approval, a review, tags that nobody uses. */
function Notices({ brand }: { brand: string }) {
  const { t } = useTranslation('audience');
  const [search] = useSearchParams();
  const count = (query: object) => ({
    params: { query: { brand_id: brand, limit: '1', total: 1, ...query } as never },
    enabled: Boolean(brand),
  });
  const waiting = useList('/tags', count({ state: 'pending' }));
  const idle = useList('/tags', count({ proposed: '1' }));
  const due = useList('/tags', count({ due: '1' }));
  const to = (name: string, value: string) => {
    const next = new URLSearchParams(search.get('brand') ? { brand: search.get('brand') ?? '' } : {});
    next.set(name, value);
    return { search: next.toString() };
  };
  const lines = [
    { key: 'waiting', n: waiting.data?.total ?? 0, to: to('state', 'pending') },
    { key: 'idle', n: idle.data?.total ?? 0, to: to('proposed', '1') },
    { key: 'review', n: due.data?.total ?? 0, to: to('due', '1') },
  ].filter((l) => l.n > 0);
  if (lines.length === 0) return null;
  return (
    <Alert
      type="info"
      showIcon
      style={{ marginBottom: 16 }}
      title={
        <span className="tag-notices">
          {lines.map((l) => (
            <Link key={l.key} to={l.to}>
              {t(`tag.notice.${l.key}`, { n: l.n })}
            </Link>
          ))}
        </span>
      }
    />
  );
}
