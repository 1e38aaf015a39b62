import { Alert, Button } from 'antd';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useParams } from 'react-router';
import { useGet, useWrite } from '@/api';
import { Broken, FaultAlert, Page, Section, useUnsaved, Waiting } from '@/ui';
import { DefinitionForm } from './DefinitionForm';
import { begin, type Definition, fromKept, problem, toKept } from './definition';
import type { TagDetail } from './words';
import '../audience.css';

/** The page on which is changed what a tag means. What runs goes on as it is until somebody
 * else approves the change. */
export function Component() {
  const { id = '' } = useParams();
  const found = useGet('/tags/{id}', { params: { path: { id } } });
  // What is being edited is what was read first: a reload in the background loses nothing.
  const first = useRef<typeof found.data>(undefined);
  first.current ??= found.data;
  if (found.error && !first.current) return <Broken error={found.error} again={() => void found.refetch()} />;
  if (!first.current) return <Waiting />;
  return <Edit tag={first.current} />;
}

function Edit({ tag }: { tag: TagDetail }) {
  const { t } = useTranslation('audience');
  const navigate = useNavigate();
  const back = `/audience/tags/${tag.id}`;
  const newest = tag.versions[0];
  const [value, setValue] = useState<Definition>(() => (newest ? fromKept(newest.definition) : begin(tag.kind)));
  const [fault, setFault] = useState<unknown>(null);
  const rev = useRef(tag.rev);
  const mark = useUnsaved();
  const params = { path: { id: tag.id } };
  const quiet = { quiet: true, invalidate: ['/tags'] };
  const build = useWrite('put', '/tags/{id}/definition', { ...quiet, done: t('done.saved') });
  const submit = useWrite('post', '/tags/{id}/submit', { ...quiet, done: t('tag.done.submitted') });
  const busy = build.isPending || submit.isPending;
  const save = async (send: boolean) => {
    setFault(null);
    try {
      await build.mutateAsync({ params, body: { rev: rev.current, definition: toKept(value) as never } });
      rev.current++;
      if (send) await submit.mutateAsync({ params, body: { rev: rev.current } });
      mark(false);
      navigate(back);
    } catch (error) {
      setFault(error);
    }
  };
  const wrong = problem(value);
  return (
    <Page
      title={t('tag.change', { name: tag.name })}
      trail={[
        { title: t('menu.tags'), to: '/audience/tags' },
        { title: tag.name, to: back },
      ]}
      about={t(tag.version > 0 ? 'tag.changeText' : 'tag.buildText')}
    >
      <FaultAlert fault={fault} />
      {newest?.note && newest.version > tag.version ? (
        <Alert
          type="warning"
          showIcon
          title={t('tag.refused')}
          description={newest.note}
          style={{ marginBottom: 16 }}
        />
      ) : null}
      <DefinitionForm
        brand={tag.brand_id ?? ''}
        kind={tag.kind}
        value={value}
        onChange={(d) => {
          mark(true);
          setValue(d);
        }}
      >
        <Section>
          {wrong ? <p className="muted">{t(wrong)}</p> : null}
          <div className="page-actions">
            <Button onClick={() => navigate(back)}>{t('form.cancel')}</Button>
            <Button disabled={Boolean(wrong)} loading={busy} onClick={() => void save(false)}>
              {t('tag.saveDraft')}
            </Button>
            <Button type="primary" disabled={Boolean(wrong)} loading={busy} onClick={() => void save(true)}>
              {t('tag.submit')}
            </Button>
          </div>
        </Section>
      </DefinitionForm>
    </Page>
  );
}
