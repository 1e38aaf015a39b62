import { Alert } from 'antd';
import { useTranslation } from 'react-i18next';
import { useGet } from '@/api';
import { errorText } from '@/api/error';
import { useCan } from '@/app/session';
import { Section } from '@/ui';
import { usePeople } from '../people';
import { Short } from './Short';
import type { TagDetail } from './words';

type Definition = TagDetail['versions'][number]['definition'];

/** Next is what a tag would mean once its newest version is approved, in words and people:
 * that is what is decided about. */
export function Next({ tag }: { tag: TagDetail }) {
  const { t } = useTranslation('audience');
  const newest = tag.versions[0];
  if (!newest || newest.version <= tag.version || tag.state === 'retired') return null;
  return (
    <Section title={t('tag.next')}>
      <Meaning brand={tag.brand_id ?? ''} definition={newest.definition} />
    </Section>
  );
}

/** Meaning is a definition in words, with the people it finds now. */
export function Meaning({ brand, definition: d }: { brand: string; definition: Definition }) {
  const may = useCan()('segment:read');
  if (d.source !== 'rule') {
    return (
      <p>
        <Short brand={brand} definition={d} />
      </p>
    );
  }
  return may ? d.cases.map((c) => <Case key={c.value} brand={brand} value={c.value} tree={c.tree} />) : null;
}

function Case({ brand, value, tree }: { brand: string; value: string; tree: object }) {
  const { t } = useTranslation('audience');
  const shown = usePeople();
  const size = useGet('/segments/size', { params: { query: { brand_id: brand, tree: JSON.stringify(tree) } } });
  if (size.error && !size.data) return <Alert type="warning" showIcon title={errorText(size.error)} />;
  if (!size.data) return null;
  return (
    <p className="audience-sentence">
      {value ? <strong>{value} </strong> : null}
      {size.data.sentence} <span className="muted">{t('tag.nextPeople', { n: shown.of(size.data.matched) })}</span>
    </p>
  );
}
