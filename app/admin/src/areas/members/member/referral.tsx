import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { ApiError, useGet, useList } from '@/api';
import { useBrandID } from '@/app/brand';
import { mark } from '@/i18n/marks';
import { Broken, Detail, Empty, formatCount, Section, StateTag, Table, Time, Waiting } from '@/ui';
import { MemberLink } from '../parts';

/** Referral: who brought him, whom he brought, and how many stand below. */
export function Referral({ id }: { id: string }) {
  const { t } = useTranslation('members');
  const brand = useBrandID();
  const query = { brand_id: brand, member_id: id };
  const tree = useGet('/referral/tree', { params: { query: query as object }, enabled: Boolean(brand) });
  const upline = useGet('/referral/upline', { params: { query: query as object }, enabled: Boolean(brand) });
  const bindings = useList('/referral/bindings', {
    params: { query: { ...query, limit: 20 } as object },
    enabled: Boolean(brand),
  });
  if (tree.error && !tree.data && !(tree.error instanceof ApiError && tree.error.status === 404)) {
    return <Broken error={tree.error} again={() => void tree.refetch()} />;
  }
  if (tree.isPending && brand) return <Waiting />;
  const node = tree.data?.node;
  return (
    <>
      <Section
        title={t('tab.referral')}
        extra={node ? <Link to={`/leaders/tree?member=${id}`}>{t('referral.openTree')}</Link> : null}
      >
        {node ? (
          <>
            <Detail
              items={[
                { label: t('referral.direct'), value: formatCount(node.direct) },
                { label: t('referral.team'), value: formatCount(node.team_size) },
                { label: t('referral.active'), value: formatCount(node.active) },
                { label: t('referral.depth'), value: formatCount(node.depth) },
                { label: t('referral.claims'), value: formatCount(node.team_claims) },
                { label: t('referral.orders'), value: formatCount(node.team_orders) },
              ]}
            />
            <div style={{ marginTop: 12 }}>
              <span className="muted">{t('referral.path')}</span>{' '}
              {(upline.data ?? []).length === 0
                ? t('referral.root')
                : (upline.data ?? []).map((n, i) => (
                    <span key={n.member_id}>
                      {i > 0 ? ' → ' : ''}
                      <MemberLink id={n.member_id} /> {n.who.role ? `${mark('（')}${n.who.name}${mark('）')}` : ''}
                    </span>
                  ))}
            </div>
          </>
        ) : (
          <Empty title={t('referral.none')} text={t('referral.noneText')} />
        )}
      </Section>
      <Section title={t('referral.bindings')}>
        <Table
          rows={bindings.data?.data ?? []}
          label={t('referral.bindings')}
          columns={[
            { key: 'referrer', title: t('referral.referrer'), render: (b) => <MemberLink id={b.referrer_id} /> },
            {
              key: 'state',
              title: t('list.state'),
              render: (b) => (
                <StateTag state={b.state} labels={{ active: t('referral.bound'), replaced: t('referral.replaced') }} />
              ),
            },
            { key: 'at', title: t('referral.boundAt'), render: (b) => <Time at={b.bound_at} /> },
            {
              key: 'until',
              title: t('referral.expires'),
              render: (b) => (b.expires_at ? <Time at={b.expires_at} /> : t('points.never')),
            },
            { key: 'reason', title: t('points.reason'), render: (b) => b.ended_reason || b.reason || '—' },
          ]}
          empty={t('referral.noBindings')}
        />
      </Section>
    </>
  );
}
