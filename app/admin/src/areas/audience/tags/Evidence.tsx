import { Button } from 'antd';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'react-router';
import { type Data, useGet } from '@/api';
import { useCan } from '@/app/session';
import { Detail, Section, Table, Time, tail } from '@/ui';
import { AskMember } from '../AskMember';
import { Conditions, Proof } from './Proof';
import type { TagDetail } from './words';

/** Whose evidence is shown stands in the address, so that it can be sent to somebody. */
const asked = 'member';

/** Evidence names some people who have the tag, and says of anybody why he has it or not. */
export function Evidence({ tag: g }: { tag: TagDetail }) {
  const { t } = useTranslation('audience');
  const may = useCan()('member:read');
  const [search, setSearch] = useSearchParams();
  const member = search.get(asked) ?? '';
  const some = useGet('/tags/{id}/people', { params: { path: { id: g.id } }, enabled: may });
  const why = useGet('/members/{id}/tag-why', {
    params: { path: { id: member }, query: { tag_id: g.id } },
    enabled: may && member !== '',
  });
  const answer = useRef<HTMLDivElement>(null);
  const waits = useRef(false); // somebody has just asked: he is led to the answer
  useEffect(() => {
    if (!waits.current || why.isFetching || !(why.data || why.error)) return;
    waits.current = false;
    answer.current?.scrollIntoView({ block: 'start' });
    answer.current?.focus({ preventScroll: true });
  }, [why.isFetching, why.data, why.error]);
  if (!may) return null;
  const ask = (id: string) => {
    waits.current = id !== '';
    if (id && id === member) void why.refetch();
    const next = new URLSearchParams(search);
    if (id) next.set(asked, id);
    else next.delete(asked);
    setSearch(next, { replace: true, preventScrollReset: true });
  };
  const model = g.kind === 'model';
  return (
    <Section title={t('tag.evidence')}>
      <div style={{ marginBottom: 12 }}>
        <AskMember member={member} ask={ask} busy={why.isFetching} error={why.error} />
      </div>
      <div ref={answer} tabIndex={-1} role="status" className="tag-answer">
        {why.data && member ? <Reasons why={why.data} member={member} model={model} /> : null}
      </div>
      {some.data?.length ? <h3 className="tag-some">{t('editor.sample', { n: some.data.length })}</h3> : null}
      <Table
        rows={some.data ?? []}
        rowKey={(h) => h.member_id ?? ''}
        label={t('tag.people')}
        empty={t('tag.nobody')}
        columns={[
          {
            key: 'member',
            title: t('why.member'),
            render: (h) => <Link to={`/members/${h.person_id}?tab=tags`}>{h.person_id}</Link>,
          },
          { key: 'value', title: t('tag.value'), render: (h) => h.value || t('tag.has') },
          ...(model
            ? [
                { key: 'score', title: t('tag.score'), align: 'right' as const, render: (h: Some) => h.score },
                {
                  key: 'version',
                  title: t('tag.feed.version'),
                  align: 'right' as const,
                  render: (h: Some) => h.version,
                },
              ]
            : []),
          { key: 'since', title: t('tag.since'), render: (h) => <Time at={h.since_at} /> },
          {
            key: 'until',
            title: t('tag.until'),
            render: (h) => (h.until_at ? <Time at={h.until_at} /> : t('tag.forever')),
          },
        ]}
        actions={(h) => (
          <Button
            type="link"
            size="small"
            aria-label={t('tag.whyNamed', { tail: tail(h.person_id) })}
            onClick={() => ask(h.person_id ?? '')}
          >
            {t('tag.whyShort')}
          </Button>
        )}
      />
    </Section>
  );
}

type Some = Data<'get', '/tags/{id}/people'>[number];
type Why = Data<'get', '/members/{id}/tag-why'>;

/** Reasons are what he has, and which conditions made it so. */
function Reasons({ why, member, model }: { why: Why; member: string; model: boolean }) {
  const { t } = useTranslation('audience');
  const { held } = why;
  return (
    <div className="tag-why">
      {held ? (
        <Detail
          items={[
            { label: t('why.member'), value: <Link to={`/members/${member}?tab=tags`}>{member}</Link> },
            { label: t('tag.value'), value: held.value || t('tag.has') },
            model ? { label: t('tag.score'), value: held.score } : null,
            model ? { label: t('tag.feed.version'), value: held.version } : null,
            { label: t('tag.since'), value: <Time at={held.since_at} /> },
            { label: t('tag.until'), value: held.until_at ? <Time at={held.until_at} /> : t('tag.forever') },
            { label: t('tag.why'), value: <Proof held={held} member={member} />, wide: true },
          ]}
        />
      ) : (
        <p>
          <strong>{t('tag.hasNot')}</strong>
        </p>
      )}
      {why.cases.map((c) => (
        <div key={c.value}>
          {c.value ? <h3 className="tag-some">{t('tag.caseOf', { value: c.value })}</h3> : null}
          {c.answer.code ? <p>{t(`why.${c.answer.code}`, { defaultValue: c.answer.text })}</p> : null}
          <Conditions reasons={c.answer.reasons} />
        </div>
      ))}
    </div>
  );
}
