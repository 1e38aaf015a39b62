import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useGet } from '@/api';
import { useCan } from '@/app/session';
import { Detail, formatCount, formatTime, Section } from '@/ui';
import type { Push } from './draft';
import { Names } from './products';
import { useWayName } from './words';

/** Content is what a push says, to whom, by which ways and when. */
export function Content({ p }: { p: Push }) {
  const { t } = useTranslation('pushes');
  const can = useCan();
  const name = useWayName();
  const brand = p.brand_id ?? '';
  const list = Boolean(p.list_id && p.list_id !== '0');
  const segment = useGet('/segments/{id}', {
    params: { path: { id: p.segment_id ?? '' } },
    enabled: !list && Boolean(p.segment_id && p.segment_id !== '0') && can('segment:read'),
  });
  const named = useGet('/segment-lists/{id}', {
    params: { path: { id: p.list_id ?? '' } },
    enabled: list && can('segment:read'),
  });
  const ways = useGet('/reach/ways', { params: { query: { brand_id: brand } }, enabled: can('reach:read') });
  const account = (id: string | null) => (ways.data ?? []).find((w) => id && w.account_id === id)?.account_name;
  const who = list ? (
    <Link to={`/audience/lists/${p.list_id}`}>{named.data?.name ?? t('field.list')}</Link>
  ) : segment.data ? (
    <Link to={`/audience/segments/${p.segment_id}`}>{segment.data.name}</Link>
  ) : (
    t('field.segment')
  );
  return (
    <Section title={t('detail.content')}>
      <Detail
        items={[
          { label: t('field.who'), value: who },
          { label: t('reach.purpose'), value: t(`purpose.${p.purpose}`) },
          { label: t('field.topic'), value: p.topic },
          { label: t('detail.rule'), value: list ? null : segment.data?.rule.sentence, wide: true },
          {
            label: t('reach.ways'),
            value: p.uses.map((u) => name({ ...u, account_name: account(u.account_id) })).join(' → '),
            wide: true,
          },
          {
            label: t('field.when'),
            value: p.start_at ? `${t(`timing.${p.timing}`)} · ${formatTime(p.start_at)}` : t(`timing.${p.timing}`),
          },
          {
            label: t('field.perSecond'),
            value: p.per_second > 0 ? formatCount(p.per_second) : t('detail.asPolicy'),
          },
          { label: t('control.held'), value: `${p.held_bp / 100}%` },
          { label: t('field.worth'), value: p.worth },
          {
            label: t('control.products'),
            value: p.product_ids.length > 0 ? <Names ids={p.product_ids} brand={brand} /> : t('control.allProducts'),
            wide: true,
          },
          { label: t('field.why'), value: p.why || t('detail.whyDefault'), wide: true },
          ...p.links.map((l, i) => ({
            label: t('what.link', { n: i + 1 }),
            value: `${l.title} · ${l.url}`,
            wide: true,
          })),
        ]}
      />
    </Section>
  );
}
