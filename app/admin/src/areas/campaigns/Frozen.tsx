import { useTranslation } from 'react-i18next';
import { useCan } from '@/app/session';
import { Detail, formatCount, Section, Table, Time } from '@/ui';
import { useBatches } from './batches';
import { type Campaign, givesText } from './draft';
import { PrizeTable } from './PrizeTable';

/** What of a campaign is content: the same of a draft, of what was frozen and of what runs. */
export type Content = Pick<
  Campaign,
  | 'name'
  | 'from_at'
  | 'until_at'
  | 'organiser'
  | 'rules'
  | 'wishing'
  | 'cap_member_day'
  | 'cap_member'
  | 'cap_total'
  | 'min_level'
  | 'codes'
  | 'tiers'
  | 'scopes'
>;

/** Frozen shows a campaign's content in full: what somebody approves, and what runs. */
export function Frozen({
  content: c,
  brand,
  account,
  level,
}: {
  content: Content;
  brand: string;
  account?: string;
  level?: string;
}) {
  const { t } = useTranslation('campaigns');
  const can = useCan();
  const { named } = useBatches(
    can('code:read') ? brand : '',
    (c.scopes ?? []).map((s) => s.batch_id ?? ''),
  );
  const times = (n: number) => (n ? t('frozen.times', { n: formatCount(n) }) : t('frozen.unlimited'));
  const tiers = c.tiers ?? [];
  const spend = tiers.reduce((n, x) => n + x.total_fen, 0);
  const points = tiers.reduce((n, x) => n + x.points * x.winners, 0);
  return (
    <>
      <Section title={t('frozen.basics')}>
        <Detail
          items={[
            { label: t('field.name'), value: c.name },
            { label: t('field.from'), value: <Time at={c.from_at} /> },
            { label: t('field.until'), value: <Time at={c.until_at} /> },
            { label: t('field.organiser'), value: c.organiser },
            account !== undefined && { label: t('field.account'), value: account },
            { label: t('field.wishing'), value: c.wishing },
            { label: t('field.capDay'), value: times(c.cap_member_day) },
            { label: t('field.capMember'), value: times(c.cap_member) },
            { label: t('field.capTotal'), value: times(c.cap_total) },
            {
              label: t('field.level'),
              value: c.min_level ? level || t('frozen.level', { n: c.min_level }) : t('caps.everybody'),
            },
            { label: t('field.rules'), value: <div className="campaign-prose">{c.rules}</div>, wide: true },
          ]}
        />
      </Section>
      <Section
        title={t('frozen.prizes')}
        extra={<strong>{t('frozen.spend', { fen: givesText(t, spend, points) })}</strong>}
      >
        <PrizeTable tiers={tiers} codes={c.codes} kinds />
      </Section>
      <Section title={t('frozen.scope')} extra={t('scope.sum', { codes: formatCount(c.codes) })}>
        <Table
          label={t('frozen.scope')}
          rows={c.scopes ?? []}
          rowKey={(s) => `${s.batch_id}-${s.from_serial}`}
          columns={[
            {
              key: 'product',
              title: t('frozen.product'),
              render: (s) => named.get(s.batch_id ?? '')?.productName ?? '—',
            },
            { key: 'batch', title: t('scope.batch'), render: (s) => named.get(s.batch_id ?? '')?.name ?? s.batch_id },
            {
              key: 'serials',
              title: t('frozen.serials'),
              render: (s) => `${formatCount(s.from_serial)} – ${formatCount(s.until_serial - 1)}`,
            },
            {
              key: 'count',
              title: t('frozen.count'),
              align: 'right',
              render: (s) => formatCount(s.until_serial - s.from_serial),
            },
          ]}
        />
      </Section>
    </>
  );
}
