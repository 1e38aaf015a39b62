import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet } from '@/api';
import { spoken } from '@/i18n/server';
import { Broken, Section, StateTag, Table, Time, Waiting } from '@/ui';

/** Consents: what counts now, and every answer with its evidence. */
export function Consents({ id }: { id: string }) {
  const { t } = useTranslation('members');
  const [before, setBefore] = useState<string[]>(['']);
  const { data, error, refetch } = useGet('/members/{id}/consents', {
    params: { path: { id }, query: { before: before[before.length - 1], limit: 20 } as object },
    keep: true,
  });
  if (error && !data) return <Broken error={error} again={() => void refetch()} />;
  if (!data) return <Waiting />;
  const titles = Object.fromEntries((data.state ?? []).map((s) => [s.key, spoken(s.title)]));
  return (
    <>
      <Section title={t('consent.now')}>
        <Table
          rows={data.state ?? []}
          rowKey={(s) => s.key}
          label={t('consent.now')}
          columns={[
            { key: 'title', title: t('consent.purpose'), render: (s) => spoken(s.title) },
            {
              key: 'given',
              title: t('consent.answer'),
              render: (s) =>
                s.needed ? (
                  <span className="muted">{t('consent.needed')}</span>
                ) : (
                  <StateTag
                    state={s.given ? 'on' : 'off'}
                    labels={{
                      on: s.old ? t('consent.givenOld') : t('consent.given'),
                      off: s.at ? t('consent.refused') : t('consent.never'),
                    }}
                  />
                ),
            },
            { key: 'at', title: t('identity.at'), render: (s) => (s.at ? <Time at={s.at} /> : '—') },
            {
              key: 'channel',
              title: t('consent.channel'),
              render: (s) => (s.channel ? t(`story.channel.${s.channel}`, { defaultValue: s.channel }) : '—'),
            },
          ]}
          expand={(s) => (
            <div style={{ maxWidth: 720 }}>
              {spoken(s.text)}
              <div className="muted">{t('consent.lawIs', { law: spoken(s.law) })}</div>
            </div>
          )}
        />
      </Section>
      <Section title={t('consent.history')}>
        <Table
          rows={data.history ?? []}
          label={t('consent.history')}
          columns={[
            { key: 'at', title: t('identity.at'), render: (c) => <Time at={c.at} seconds /> },
            { key: 'purpose', title: t('consent.purpose'), render: (c) => titles[c.purpose] ?? c.purpose },
            {
              key: 'given',
              title: t('consent.answer'),
              render: (c) => (c.given ? t('consent.given') : t('consent.refused')),
            },
            {
              key: 'channel',
              title: t('consent.channel'),
              render: (c) => t(`story.channel.${c.channel}`, { defaultValue: c.channel }),
            },
            { key: 'version', title: t('consent.version'), render: (c) => c.policy_version },
            { key: 'page', title: t('consent.page'), render: (c) => c.page || c.note || '—' },
          ]}
          empty={t('consent.none')}
        />
        <div className="page-actions" style={{ marginTop: 12 }}>
          <Button disabled={before.length < 2} onClick={() => setBefore(before.slice(0, -1))}>
            {t('common.newer')}
          </Button>
          <Button disabled={!data.next} onClick={() => setBefore([...before, data.next])}>
            {t('common.older')}
          </Button>
        </div>
      </Section>
    </>
  );
}
