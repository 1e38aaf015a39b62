import { useTranslation } from 'react-i18next';
import type { Data } from '@/api';
import { ofServer, original } from '@/i18n/server';
import { formatCount, Section, StateTag, Table, Time } from '@/ui';
import { healthTones, healthWords } from './accounts';

type Report = Data<'get', '/accounts/{id}/health'>;
type Check = Report['checks'][number];

/** callName names an interface of WeChat's; one without a name is told as WeChat calls it. */
function callName(call: string, title: string): string {
  return ofServer('health', `call.${call.replace(/[/.]/g, '_')}`, title) ?? call;
}

/** Words are what a check says, in the language of the panel. */
function wordsOf(check: Check, calls: Report['calls']) {
  const call = check.facts.call ?? '';
  const facts = { ...check.facts, call: callName(call, calls.find((c) => c.call === call)?.title ?? call) };
  return {
    title: ofServer('health', `title.${check.name}`, check.title) ?? check.title,
    text: ofServer('health', `text.${check.code}`, check.text, facts) ?? original(check.text),
    cure: check.cure && (ofServer('health', `cure.${check.cure_code}`, check.cure) ?? original(check.cure)),
  };
}

/** Health lists what keeps an account working: each with its state, its words and, where
 * something is wrong, what to do. */
export function Health({ health }: { health: Report }) {
  const { t } = useTranslation('settings');
  return (
    <>
      <Section title={t('health.title')}>
        <Table
          rows={health.checks.map((c) => ({ ...c, ...wordsOf(c, health.calls) }))}
          rowKey={(c) => c.name}
          columns={[
            { key: 'name', title: t('health.check'), render: (c) => c.title },
            {
              key: 'state',
              title: t('health.state'),
              render: (c) => <StateTag state={c.state} labels={healthWords(t)} tone={healthTones[c.state]} />,
            },
            { key: 'text', title: t('health.text'), render: (c) => <span className="wrap">{c.text}</span> },
            {
              key: 'cure',
              title: t('health.cure'),
              render: (c) => (
                <span className="wrap" style={{ minWidth: 160, maxWidth: 260 }}>
                  {c.cure || '—'}
                </span>
              ),
            },
            { key: 'at', title: t('health.at'), render: (c) => <Time at={c.at} /> },
          ]}
        />
      </Section>
      <Section title={t('health.calls')}>
        <Table
          rows={health.calls}
          rowKey={(c) => c.call}
          columns={[
            { key: 'call', title: t('health.call'), render: (c) => callName(c.call, c.title) },
            { key: 'today', title: t('health.today'), align: 'right', render: (c) => formatCount(c.today) },
            {
              key: 'quota',
              title: t('health.quota'),
              align: 'right',
              about: t('health.quotaAbout'),
              render: (c) => (c.quota ? formatCount(c.quota) : '—'),
            },
            { key: 'failed', title: t('health.failed'), align: 'right', render: (c) => formatCount(c.failed_today) },
            { key: 'good', title: t('health.good'), render: (c) => <Time at={c.good_at} /> },
            {
              key: 'bad',
              title: t('health.lastError'),
              render: (c) => (c.error ? <span className="wrap">{c.error}</span> : '—'),
            },
          ]}
          empty={t('health.noCalls')}
        />
      </Section>
    </>
  );
}
