import { Alert } from 'antd';
import { useTranslation } from 'react-i18next';
import { useGet } from '@/api';
import { mark } from '@/i18n/marks';
import { spoken } from '@/i18n/server';
import { Broken, Chart, formatCount, Page, Section, StatCards, Table, Time, Waiting } from '@/ui';

/** The data map: where people are met, by which keys they are known there, and how the
 * touchpoints hang together. */
export function Component() {
  const { t } = useTranslation('members');
  const { data: m, error, refetch } = useGet('/data-map');
  if (error && !m) {
    return (
      <Page title={t('menu.map')}>
        <Broken error={error} again={() => void refetch()} />
      </Page>
    );
  }
  if (!m) return <Waiting />;
  const points = m.touchpoints ?? [];
  const joins = m.joins ?? [];
  const title = Object.fromEntries(points.map((p) => [p.id, spoken(p.title)]));
  const most = Math.max(1, ...points.map((p) => p.people));
  const between = (a: string, b: string) => joins.find((j) => (j.a === a && j.b === b) || (j.a === b && j.b === a));
  return (
    <Page title={t('menu.map')} about={t('map.about')} asOf={m.as_of}>
      <StatCards
        items={[
          { key: 'people', title: t('map.people'), value: formatCount(m.people), about: t('map.peopleAbout') },
          { key: 'signals', title: t('map.signals'), value: formatCount(m.signals), about: t('map.signalsAbout') },
          {
            key: 'first',
            title: t('map.firstParty'),
            value: `${m.first_party_percent}%`,
            about: t('map.firstPartyAbout'),
          },
          {
            key: 'own',
            title: t('map.ownKey'),
            value: `${m.own_key_percent}%`,
            about: t('map.ownKeyAbout'),
            tone: m.own_key_percent < 30 ? 'warn' : undefined,
          },
        ]}
      />
      {(m.gaps ?? []).length > 0 ? (
        <Section title={t('map.gaps')}>
          {(m.gaps ?? []).map((g) => (
            <Alert
              key={`${g.touchpoint}${g.text}`}
              type="warning"
              showIcon
              style={{ marginBottom: 8 }}
              title={spoken(g.text)}
              description={spoken(g.advice)}
            />
          ))}
        </Section>
      ) : null}
      <Section title={t('map.graph')}>
        {points.length > 1 ? (
          <Chart
            label={t('map.graphLabel', { n: points.length })}
            height={360}
            option={{
              tooltip: {},
              series: [
                {
                  type: 'graph',
                  layout: 'circular',
                  roam: false,
                  label: { show: true, position: 'right', formatter: '{b}' },
                  lineStyle: { color: '#8c8c8c', curveness: 0.15 },
                  data: points.map((p) => ({
                    id: p.id,
                    name: spoken(p.title),
                    value: p.people,
                    symbolSize: 16 + 44 * Math.sqrt(p.people / most),
                  })),
                  links: joins
                    .filter((j) => j.people > 0)
                    .map((j) => ({
                      source: j.a,
                      target: j.b,
                      value: j.people,
                      lineStyle: { width: 1 + 7 * (j.percent / 100) },
                    })),
                },
              ],
            }}
          />
        ) : (
          <span className="muted">{t('map.one')}</span>
        )}
      </Section>
      <Section title={t('map.matrix')}>
        <div style={{ overflowX: 'auto' }}>
          <table className="changes" aria-label={t('map.matrix')}>
            <thead>
              <tr>
                <th>{t('map.touchpoint')}</th>
                {points.map((p) => (
                  <th key={p.id}>{spoken(p.title)}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {points.map((a) => (
                <tr key={a.id}>
                  <th scope="row">{spoken(a.title)}</th>
                  {points.map((b) => {
                    const j = between(a.id, b.id);
                    if (a.id === b.id) {
                      return (
                        <td key={b.id} className="nums">
                          <strong>{formatCount(a.people)}</strong>
                        </td>
                      );
                    }
                    return (
                      <td
                        key={b.id}
                        className="nums"
                        style={j ? { background: `rgba(9, 88, 217, ${0.06 + (j.percent / 100) * 0.24})` } : undefined}
                      >
                        {j && j.people > 0 ? `${formatCount(j.people)}${mark('（')}${j.percent}%${mark('）')}` : '—'}
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <p className="muted">{t('map.matrixText')}</p>
      </Section>
      <Section title={t('map.touchpoints')}>
        <Table
          rows={points}
          label={t('map.touchpoints')}
          columns={[
            { key: 'title', title: t('map.touchpoint'), render: (p) => spoken(p.title) },
            {
              key: 'kind',
              title: t('map.key'),
              render: (p) => (p.kind ? t(`kind.${p.kind}`, { defaultValue: p.kind }) : t('map.noKey')),
            },
            { key: 'keys', title: t('map.keys'), align: 'right', render: (p) => formatCount(p.keys) },
            { key: 'people', title: t('map.people'), align: 'right', render: (p) => formatCount(p.people) },
            {
              key: 'joined',
              title: t('map.joined'),
              align: 'right',
              about: t('map.joinedAbout'),
              render: (p) => formatCount(p.joined),
            },
            {
              key: 'signals',
              title: t('map.tells'),
              render: (p) => (
                <div style={{ maxWidth: 360, whiteSpace: 'normal' }}>
                  {(p.signals ?? []).map((s) => `${spoken(s.title)} ${formatCount(s.count)}`).join(mark('、')) || '—'}
                </div>
              ),
            },
            { key: 'last', title: t('map.last'), render: (p) => <Time at={p.last_at} /> },
          ]}
          empty={t('map.empty')}
        />
      </Section>
      <Section title={t('map.joins')}>
        <Table
          rows={joins.map((j) => ({ ...j, id: `${j.a}-${j.b}` }))}
          label={t('map.joins')}
          columns={[
            { key: 'pair', title: t('map.pair'), render: (j) => `${title[j.a] ?? j.a} — ${title[j.b] ?? j.b}` },
            { key: 'people', title: t('map.people'), align: 'right', render: (j) => formatCount(j.people) },
            { key: 'percent', title: t('map.percent'), align: 'right', render: (j) => `${j.percent}%` },
            {
              key: 'through',
              title: t('map.through'),
              render: (j) =>
                Object.entries(j.through ?? {})
                  .map(([k, n]) => `${t(`kind.${k}`, { defaultValue: k })} ${formatCount(Number(n))}`)
                  .join(mark('、')) || '—',
            },
          ]}
          empty={t('map.noJoins')}
        />
      </Section>
    </Page>
  );
}
