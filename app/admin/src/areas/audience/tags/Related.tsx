import { useTranslation } from 'react-i18next';
import { useGet } from '@/api';
import { Section, Table } from '@/ui';

/** RelatedTags are those that the same people have more often than others. */
export function RelatedTags({ id }: { id: string }) {
  const { t } = useTranslation('audience');
  const found = useGet('/tags/{id}/related', { params: { path: { id } } });
  if (!found.data) return null;
  return (
    <Section title={t('tag.related')}>
      <Table
        rows={found.data}
        rowKey={(r) => r.tag_id ?? ''}
        label={t('tag.related')}
        to={(r) => `/audience/tags/${r.tag_id}`}
        empty={t('tag.noRelated')}
        columns={[
          { key: 'name', title: t('tag.name'), render: (r) => r.name },
          { key: 'class', title: t('tag.classTitle'), render: (r) => t(`tag.class.${r.class}`) },
          {
            key: 'both',
            title: t('tag.both'),
            align: 'right',
            about: t('tag.bothAbout'),
            render: (r) => (r.sample > 0 ? `${((100 * r.both) / r.sample).toFixed(0)}%` : '—'),
          },
          {
            key: 'lift',
            title: t('tag.lift'),
            align: 'right',
            about: t('tag.liftAbout'),
            render: (r) => (r.lift_percent > 0 ? t('tag.times', { n: (r.lift_percent / 100).toFixed(1) }) : '—'),
          },
        ]}
      />
    </Section>
  );
}
