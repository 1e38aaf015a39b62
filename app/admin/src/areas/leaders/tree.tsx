import { MinusSquareOutlined, PlusSquareOutlined } from '@ant-design/icons';
import { App, Breadcrumb, Button, Form, Select, Space } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { type Row, useGet, useList } from '@/api';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { spoken } from '@/i18n/server';
import { Broken, Can, Empty, formatCount, formatFen, Money, Page, Section, StatCards, Time, Waiting } from '@/ui';
import { Codes } from './codes';
import { MemberPick } from './memberPick';
import { Act, Person, Tabs, useOptions } from './parts';
import { Bindings, Checking, Exports, Policy, Watch } from './treeTabs';

type Node = Row<'/referral/children'>;

export function Component() {
  const { t } = useTranslation('leaders');
  return (
    <Page title={t('menu.tree')} about={t('tree.about')} watermark>
      <Tabs
        tabs={[
          { key: 'tree', label: t('tree.tree'), content: () => <Tree /> },
          { key: 'bindings', label: t('tree.bindings'), content: () => <Bindings /> },
          { key: 'codes', label: t('codes.title'), content: () => <Codes /> },
          { key: 'watch', label: t('tree.watch'), content: () => <Watch /> },
          { key: 'exports', label: t('tree.exports'), content: () => <Exports /> },
          { key: 'check', label: t('tree.check'), content: () => <Checking /> },
          { key: 'policy', label: t('tree.policy'), content: () => <Policy /> },
        ]}
      />
    </Page>
  );
}

/** useGoTo opens the tree at a member; '' is the whole brand. */
function useGoTo(): (member: string) => void {
  const [search, setSearch] = useSearchParams();
  return (member) => {
    const brand = search.get('brand');
    setSearch({ ...(brand ? { brand } : {}), ...(member ? { member } : {}) });
  };
}

function Tree() {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const [search] = useSearchParams();
  const member = search.get('member') ?? '';
  const go = useGoTo();
  const [word, setWord] = useState('');
  const query = { brand_id: brand, ...(member ? { member_id: member } : {}) };
  const { data, error, refetch } = useGet('/referral/tree', { params: { query }, enabled: Boolean(brand), keep: true });
  const up = useGet('/referral/upline', {
    params: { query: { brand_id: brand, member_id: member } },
    enabled: Boolean(brand) && member !== '',
  });
  const n = data?.node;
  return (
    <Section>
      <div className="table-head">
        <Space wrap>
          <div style={{ width: 280 }}>
            <MemberPick
              label={t('tree.search')}
              value={word}
              onChange={setWord}
              onPick={(m) => {
                setWord('');
                go(m);
              }}
            />
          </div>
          <Button type="primary" disabled={!/^\d+$/.test(word)} onClick={() => go(word)}>
            {t('tree.open')}
          </Button>
        </Space>
        {n ? <NodeActs node={n} /> : null}
      </div>
      <Breadcrumb
        style={{ marginBottom: 12 }}
        items={[
          { title: member ? <Link to="/leaders/tree">{t('tree.roots')}</Link> : t('tree.roots') },
          ...(up.data ?? []).toReversed().map((x) => ({
            title: <Link to={`/leaders/tree?member=${x.member_id}`}>{spoken(x.who.name)}</Link>,
          })),
          ...(n ? [{ title: spoken(n.who.name) }] : []),
        ]}
      />
      {error && !data ? <Broken error={error} again={() => void refetch()} /> : null}
      {!data && !error ? <Waiting /> : null}
      {n ? (
        <>
          <p style={{ fontSize: 16, margin: '0 0 8px' }}>
            <Person who={n.who} id={n.member_id} />{' '}
            <span className="muted">
              {t('tree.depth', { depth: n.depth + 1, levels: n.levels })} · {t('tree.lastActive')}{' '}
              <Time at={n.last_active_at} />
            </span>
          </p>
          <StatCards
            items={[
              { key: 'direct', title: t('leader.direct'), value: formatCount(n.direct) },
              { key: 'team', title: t('leader.team'), value: formatCount(n.team_size), about: t('leader.teamAbout') },
              { key: 'active', title: t('leader.active30'), value: formatCount(n.active) },
              { key: 'scans', title: t('tree.scans'), value: formatCount(n.team_scans) },
              { key: 'claims', title: t('leader.claims'), value: formatCount(n.team_claims) },
              {
                key: 'sales',
                title: t('tree.sales'),
                value: <Money fen={n.team_sales_fen} />,
                note: t('leader.orders', { n: formatCount(n.team_orders) }),
              },
            ]}
          />
        </>
      ) : null}
      {data && data.children.length === 0 ? (
        member ? (
          <p className="muted">{t('tree.nobody')}</p>
        ) : (
          <Empty title={t('tree.empty')} text={t('tree.emptyText')} example={t('tree.example')} />
        )
      ) : null}
      {data && data.children.length > 0 ? <Children key={member} member={member} /> : null}
    </Section>
  );
}

/** Children lists who was brought by one, largest team first, page by page. */
function Children({ member }: { member: string }) {
  const { t } = useTranslation('leaders');
  const [pages, setPages] = useState(['']);
  return (
    <ul
      className="referral-tree"
      aria-label={t('tree.children')}
      style={{ listStyle: 'none', margin: 0, paddingInlineStart: member ? 8 : 0 }}
    >
      {pages.map((after, i) => (
        <Chunk
          key={after}
          member={member}
          after={after}
          last={i === pages.length - 1}
          onMore={(next) => setPages([...pages, next])}
        />
      ))}
    </ul>
  );
}

function Chunk({
  member,
  after,
  last,
  onMore,
}: {
  member: string;
  after: string;
  last: boolean;
  onMore: (next: string) => void;
}) {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const { data, error, refetch } = useList('/referral/children', {
    params: {
      query: { brand_id: brand, limit: '50', ...(member ? { member_id: member } : {}), ...(after ? { after } : {}) },
    },
  });
  if (error && !data) return <Broken error={error} again={() => void refetch()} />;
  if (!data) return <Waiting height={60} />;
  return (
    <>
      {(data.data ?? []).map((n) => (
        <Branch key={n.member_id} node={n} />
      ))}
      {last && data.next ? (
        <li>
          <Button type="link" onClick={() => onMore(data.next)}>
            {t('tree.more')}
          </Button>
        </li>
      ) : null}
    </>
  );
}

function Branch({ node: n }: { node: Node }) {
  const { t } = useTranslation('leaders');
  const [open, setOpen] = useState(false);
  return (
    <li style={{ borderTop: '1px solid #f0f0f0' }}>
      <div style={{ display: 'flex', flexWrap: 'wrap', gap: '4px 16px', alignItems: 'center', padding: '6px 0' }}>
        <span style={{ flex: '1 1 220px', minWidth: 0 }}>
          {n.direct > 0 ? (
            <Button
              type="text"
              size="small"
              aria-expanded={open}
              aria-label={t(open ? 'tree.close' : 'tree.expand', { name: spoken(n.who.name) })}
              icon={open ? <MinusSquareOutlined /> : <PlusSquareOutlined />}
              onClick={() => setOpen(!open)}
            />
          ) : (
            <span style={{ display: 'inline-block', width: 24 }} />
          )}{' '}
          <Link to={`/leaders/tree?member=${n.member_id}`}>{spoken(n.who.name)}</Link> <RoleOf role={n.who.role} />
        </span>
        <span className="nums referral-counts">
          <span>{t('tree.nDirect', { n: formatCount(n.direct) })}</span>
          <span>{t('tree.nTeam', { n: formatCount(n.team_size) })}</span>
          <span>{t('tree.nActive', { n: formatCount(n.active) })}</span>
          <span>{t('tree.nClaims', { n: formatCount(n.team_claims + n.own_claims) })}</span>
          <span>{t('tree.nSales', { fen: formatFen(n.team_sales_fen + n.own_sales_fen) })}</span>
        </span>
      </div>
      {open ? <Children member={n.member_id ?? ''} /> : null}
    </li>
  );
}

function RoleOf({ role }: { role: string }) {
  const { t } = useTranslation('leaders');
  return role ? <span className="muted">{t(`role.${role}`)}</span> : null;
}

/** NodeActs: what operators change about somebody's place. Everything says how many move. */
function NodeActs({ node }: { node: Node }) {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const can = useCan();
  const { message } = App.useApp();
  const roles = useOptions('role');
  const name = node.who.name;
  const team = formatCount(node.team_size);
  const common = { invalidate: ['/referral', '/jobs'] };
  const to = (label: string, as: string) => (
    <>
      <Form.Item
        name="referrer_id"
        label={label}
        rules={[{ required: true, pattern: /^\d+$/, message: t('form.memberID') }]}
      >
        <MemberPick />
      </Form.Item>
      <Form.Item name="role" label={as} initialValue="member">
        <Select options={roles} />
      </Form.Item>
    </>
  );
  const change = (v: { reason: string } & Record<string, unknown>) => ({
    brand_id: brand,
    member_id: node.member_id,
    reason: v.reason,
    ...(v.referrer_id ? { referrer_id: v.referrer_id, role: v.role } : {}),
  });
  return (
    <div className="page-actions">
      <Can do="referral:write">
        <Act
          {...common}
          method="post"
          path="/referral/rebind"
          reason
          body={change}
          done={t('tree.rebound')}
          trigger={<Button>{t('tree.rebind')}</Button>}
          title={t('tree.rebindTitle', { name })}
          consequence={t('tree.rebindText', { n: team })}
        >
          {to(t('tree.newReferrer'), t('tree.as'))}
        </Act>
        {node.parent_id ? (
          <Act
            {...common}
            method="post"
            path="/referral/end"
            reason
            body={change}
            done={t('tree.endDone')}
            trigger={<Button danger>{t('tree.end')}</Button>}
            title={t('tree.endTitle', { name })}
            consequence={t('tree.endText', { n: team })}
          />
        ) : null}
        {node.direct > 0 ? (
          <Act
            {...common}
            method="post"
            path="/referral/hand-over"
            reason
            name={name}
            body={change}
            onDone={(d) => {
              const r = d as { moved: number; stay: number; more: boolean };
              message.success(t(r.more ? 'tree.handedMore' : 'tree.handed', { moved: r.moved, stay: r.stay }));
            }}
            trigger={<Button>{t('tree.handOver')}</Button>}
            title={t('tree.handTitle', { name })}
            consequence={t('tree.handText', { n: formatCount(node.direct), team })}
          >
            {to(t('tree.handTo'), t('tree.handAs'))}
          </Act>
        ) : null}
      </Can>
      {can('referral:export') && node.team_size > 0 ? (
        <Act
          {...common}
          method="post"
          path="/referral/exports"
          reason
          danger={false}
          body={change}
          done={t('tree.exportAsked')}
          trigger={<Button>{t('tree.export')}</Button>}
          title={t('tree.exportTitle', { name })}
          consequence={t('tree.exportText', { n: team })}
        />
      ) : null}
    </div>
  );
}
