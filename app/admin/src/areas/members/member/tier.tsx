import { Alert, Progress, Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import { useGet } from '@/api';
import { useBrand } from '@/app/brand';
import { spoken } from '@/i18n/server';
import { Broken, Detail, dayOf, Empty, formatCount, Section, Table, Time, Waiting } from '@/ui';

/** Tier: where a member stands at each brand, what is missing, what he would lose. */
export function Tier({ id }: { id: string }) {
  const { t } = useTranslation('members');
  const { brands } = useBrand();
  const { data, error, refetch } = useGet('/members/{id}/tier', { params: { path: { id } } });
  if (error && !data) return <Broken error={error} again={() => void refetch()} />;
  if (!data) return <Waiting />;
  if (data.length === 0) return <Empty title={t('tier.empty')} text={t('tier.emptyText')} />;
  return data.map((s) => {
    const next = s.next;
    const whole = next ? s.growth + next.needs : s.growth;
    return (
      <Section
        key={s.brand_id}
        title={`${brands.find((b) => b.id === s.brand_id)?.name ?? ''} ${s.level < 0 ? t('tier.none') : s.name}`}
      >
        <Detail
          items={[
            { label: t('tier.growth'), value: formatCount(s.growth) },
            { label: t('tier.since'), value: <Time at={s.since} precise={false} /> },
            { label: t('tier.until'), value: s.until ? dayOf(s.until) : t('tier.forever') },
            s.keep_needs > 0 && { label: t('tier.keep'), value: t('tier.keepNeeds', { n: formatCount(s.keep_needs) }) },
            {
              label: t('tier.perks'),
              wide: true,
              value: (s.perks ?? []).length ? (s.perks ?? []).map((p) => <Tag key={p}>{spoken(p)}</Tag>) : null,
            },
          ]}
        />
        {next ? (
          <div style={{ margin: '12px 0' }}>
            <div>{t('tier.next', { name: next.name, n: formatCount(next.needs) })}</div>
            <Progress
              percent={whole > 0 ? Math.floor((s.growth / whole) * 100) : 0}
              style={{ maxWidth: 480 }}
              aria-label={t('tier.next', { name: next.name, n: formatCount(next.needs) })}
            />
            <div className="muted">
              {t('tier.nextPerks', { perks: (next.perks ?? []).map(spoken).join(', ') || '—' })}
            </div>
          </div>
        ) : null}
        {s.loss ? (
          <Alert
            type="warning"
            showIcon
            style={{ margin: '12px 0' }}
            title={s.loss.text}
            description={
              (s.loss.perks ?? []).length
                ? t('tier.lost', { perks: (s.loss.perks ?? []).map(spoken).join(', ') })
                : undefined
            }
          />
        ) : null}
        <Table
          rows={(s.history ?? []).map((m, i) => ({ ...m, id: String(i) }))}
          label={t('tier.history')}
          columns={[
            { key: 'at', title: t('identity.at'), render: (m) => <Time at={m.at} /> },
            {
              key: 'move',
              title: t('tier.move'),
              render: (m) => `${m.from_name || t('tier.none')} → ${m.to_name || t('tier.none')}`,
            },
            { key: 'why', title: t('tier.why'), render: (m) => m.why },
            { key: 'growth', title: t('tier.growth'), align: 'right', render: (m) => formatCount(m.growth) },
          ]}
          empty={t('tier.noHistory')}
        />
      </Section>
    );
  });
}
