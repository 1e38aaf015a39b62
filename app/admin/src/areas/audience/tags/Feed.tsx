import { Alert } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { mark } from '@/i18n/marks';
import { Can, Copy, Detail, Section, Table, Time } from '@/ui';
import { usePeople } from '../people';
import type { TagDetail } from './words';

const refusals = ['no_consent', 'older', 'unknown', 'bad'] as const;

/** How a model's tag is written from outside, and what came in by version. */
export function Feed({ tag: g }: { tag: TagDetail }) {
  const { t } = useTranslation('audience');
  const shown = usePeople();
  const route = `PUT ${window.location.origin}/open/v1/tags/${g.id}/scores`;
  const choice = g.versions.find((v) => v.version === g.version)?.definition.choices[0];
  const score = {
    person: [{ kind: 'unionid', value: 'oABC…' }],
    score: 87,
    ...(choice ? { value: choice } : {}),
  };
  const body = JSON.stringify({ version: (g.feeds[0]?.version ?? 0) + 1, scores: [score] }, null, 1);
  return (
    <Section title={t('tag.feed.title')}>
      <p className="muted">{t('tag.feed.about')}</p>
      <Detail
        items={[
          { label: t('tag.feed.route'), value: <Copy text={route} />, wide: true },
          {
            label: t('tag.feed.scope'),
            value: (
              <>
                scores:write
                <Can do="apikey:read">
                  {' · '}
                  <Link to="/settings/apikeys">{t('tag.feed.keys')}</Link>
                </Can>
              </>
            ),
          },
          {
            label: t('tag.feed.doc'),
            value: (
              <a href="/open/v1/openapi.json" target="_blank" rel="noreferrer">
                /open/v1/openapi.json
              </a>
            ),
          },
        ]}
      />
      <p className="muted">{t('tag.feed.body')}</p>
      <pre className="audience-code">{body}</pre>
      <Alert type="info" showIcon title={t('tag.feed.rule')} style={{ marginBottom: 16 }} />
      {g.feeds.length === 0 ? (
        <p className="muted">{t('tag.feed.none')}</p>
      ) : (
        <>
          <Table
            rows={g.feeds}
            rowKey={(f) => String(f.version)}
            label={t('tag.feed.last')}
            columns={[
              { key: 'version', title: t('tag.feed.version'), render: (f) => f.version },
              {
                key: 'people',
                title: t('tag.feed.people'),
                align: 'right',
                about: t('tag.feed.peopleAbout'),
                render: (f) => shown.of(f.people),
              },
              { key: 'at', title: t('tag.feed.at'), render: (f) => <Time at={f.last_at} /> },
              { key: 'source', title: t('tag.feed.source'), render: (f) => t(`tag.feed.by.${f.source}`) },
              { key: 'written', title: t('tag.feed.written'), align: 'right', render: (f) => shown.of(f.written) },
              { key: 'gone', title: t('tag.feed.gone'), align: 'right', render: (f) => shown.of(f.gone) },
              { key: 'same', title: t('tag.feed.same'), align: 'right', render: (f) => shown.of(f.same) },
              {
                key: 'refused',
                title: t('tag.feed.refused'),
                align: 'right',
                render: (f) => shown.of(refusals.reduce((n, r) => n + f[r], 0)),
              },
              {
                key: 'why',
                title: t('tag.feed.why'),
                render: (f) =>
                  refusals
                    .filter((r) => f[r] > 0)
                    .map((r) => t(`tag.feed.${r}`, { n: shown.of(f[r]) }))
                    .join(mark('，')) || '—',
              },
            ]}
          />
          <p className="muted">{t('tag.feed.counts')}</p>
        </>
      )}
    </Section>
  );
}
