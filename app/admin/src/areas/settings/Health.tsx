import { useTranslation } from 'react-i18next';
import type { Data } from '@/api';
import { formatCount, Section, StateTag, Table, Time } from '@/ui';
import { healthTones, healthWords } from './accounts';

/** Health lists what keeps an account working: each with its state, its words and, where
 * something is wrong, what to do. */
export function Health({ health }: { health: Data<'get', '/accounts/{id}/health'> }) {
  const { t } = useTranslation('settings');
  return (
    <>
      <Section title={t('health.title')}>
        <Table
          rows={health.checks}
          rowKey={(c) => c.name}
          columns={[
            { key: 'name', title: t('health.check'), render: (c) => c.title },
            {
              key: 'state',
              title: t('health.state'),
              render: (c) => <StateTag state={c.state} labels={healthWords(t)} tone={healthTones[c.state]} />,
            },
            { key: 'text', title: t('health.text'), render: (c) => <span className="wrap">{c.text}</span> },
            { key: 'cure', title: t('health.cure'), render: (c) => <span className="wrap">{c.cure || '—'}</span> },
            { key: 'at', title: t('health.at'), render: (c) => <Time at={c.at} /> },
          ]}
        />
      </Section>
      <Section title={t('health.calls')}>
        <Table
          rows={health.calls}
          rowKey={(c) => c.call}
          columns={[
            { key: 'call', title: t('health.call'), render: (c) => c.title },
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
