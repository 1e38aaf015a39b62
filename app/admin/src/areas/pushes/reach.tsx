import { Button, Segmented } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useGet, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { usePeople } from '@/areas/audience/people';
import { Broken, Can, Danger, formatCount, Page, Section, StateTag, Table, Tabs, Time, Waiting } from '@/ui';
import { Holidays } from './holidays';
import { OptOuts } from './optouts';
import { Policy } from './policy';
import { Someone } from './someone';
import { useWayName } from './words';
import './pushes.css';

/** Who can be reached now, by which way, and why the others cannot. */
export function Component() {
  const { t } = useTranslation('pushes');
  const { under } = usePeople();
  return (
    <Page title={t('menu.reach')} about={t('reach.about')}>
      <Tabs
        tabs={[
          { key: 'now', label: t('reach.now'), content: () => <Now /> },
          ...(under > 0 ? [] : [{ key: 'someone', label: t('reach.someone'), content: () => <Someone /> }]),
          { key: 'ways', label: t('reach.ways'), content: () => <Ways /> },
          { key: 'optouts', label: t('optouts.tab'), content: () => <OptOuts /> },
          { key: 'policy', label: t('reach.policy'), content: () => <Policy /> },
          { key: 'holidays', label: t('reach.holidays'), content: () => <Holidays /> },
        ]}
      />
    </Page>
  );
}

function Now() {
  const { t } = useTranslation('pushes');
  const brand = useBrandID();
  const name = useWayName();
  const people = usePeople();
  const [purpose, setPurpose] = useState<'marketing' | 'service'>('marketing');
  const found = useGet('/reach', {
    params: { query: { brand_id: brand, purpose } },
    enabled: Boolean(brand),
    refetchInterval: 5000,
    keep: true,
  });
  if (found.error && !found.data) return <Broken error={found.error} again={() => void found.refetch()} />;
  const s = found.data;
  if (!s) return <Waiting />;
  const ways = s.ways.filter((w) => w.first > 0);
  const out = s.people - s.reachable;
  return (
    <>
      <Segmented
        aria-label={t('reach.purpose')}
        value={purpose}
        options={[
          { value: 'marketing', label: t('purpose.marketing') },
          { value: 'service', label: t('purpose.service') },
        ]}
        onChange={(v) => setPurpose(v as typeof purpose)}
        style={{ marginBottom: 12 }}
      />
      <Section title={t('reach.now')}>
        {s.as_of ? (
          <>
            <p className="reach-sentence">
              {t('reach.of', { n: people.of(s.people) })}
              {ways.map((w) => t('reach.by', { n: people.of(w.first), way: name(w) })).join('')}
              {t('reach.not', { n: people.of(out) })}
            </p>
            <p className="muted">
              {t('report.asOf')} <Time at={s.as_of} /> {s.renewing ? t('reach.renewing') : null}
            </p>
            {people.under > 0 ? <p className="muted">{t('reach.rounded')}</p> : null}
          </>
        ) : (
          <Waiting />
        )}
      </Section>
      <Section title={t('reach.able', { n: people.of(s.reachable) })}>
        <Bars
          rows={s.ways.map((w) => ({
            key: `${w.channel}${w.account_id}${w.template_id}`,
            title: name(w),
            count: w.first,
            ...(w.able > w.first ? { note: t('reach.couldBe', { n: people.of(w.able) }) } : {}),
          }))}
          most={s.people}
          empty={t('reach.noWay')}
        />
      </Section>
      <Section title={t('reach.unable', { n: people.of(out) })}>
        <Bars
          rows={s.reasons
            .filter((r) => r.people > 0)
            .map((r) => ({ key: r.code, title: t(`why.${r.code}`, { defaultValue: r.text }), count: r.people }))}
          most={s.people}
          tone="bad"
          empty={t('reach.everybody')}
        />
      </Section>
    </>
  );
}

type Bar = { key: string; title: string; count: number; note?: string };

function Bars({ rows, most, tone, empty }: { rows: readonly Bar[]; most: number; tone?: 'bad'; empty: string }) {
  const people = usePeople();
  if (rows.length === 0) return <p className="muted">{empty}</p>;
  return (
    <ul className="reach-bars">
      {rows.map((r) => (
        <li key={r.key}>
          <span>
            {r.title} {r.note ? <span className="muted">{r.note}</span> : null}
          </span>
          <span className="nums">{people.of(r.count)}</span>
          {r.count > 0 ? (
            <span
              className={tone === 'bad' ? 'reach-bar reach-bad' : 'reach-bar'}
              style={{ width: `${(100 * r.count) / Math.max(1, most)}%` }}
              aria-hidden
            />
          ) : null}
        </li>
      ))}
    </ul>
  );
}

function Ways() {
  const { t } = useTranslation('pushes');
  const brand = useBrandID();
  const name = useWayName();
  const people = usePeople();
  const found = useGet('/reach/ways', { params: { query: { brand_id: brand } }, enabled: Boolean(brand) });
  const resume = useWrite('post', '/reach/ways/resume', {
    invalidate: ['/reach'],
    done: t('reach.resumed'),
    quiet: true,
  });
  if (found.error && !found.data) return <Broken error={found.error} again={() => void found.refetch()} />;
  return (
    <Section title={t('reach.ways')}>
      <p className="muted">{t('reach.waysAbout')}</p>
      <Table
        rows={found.data ?? []}
        loading={found.isPending}
        rowKey={(w) => `${w.channel}${w.account_id}${w.template_id}`}
        columns={[
          { key: 'way', title: t('reach.way'), render: (w) => name(w) },
          {
            key: 'used',
            title: t('reach.used'),
            align: 'right',
            render: (w) => `${people.of(w.used_today)} / ${formatCount(w.per_day)}`,
          },
          {
            key: 'grants',
            title: t('reach.grants'),
            align: 'right',
            about: t('reach.grantsAbout'),
            render: (w) => (w.channel === 'subscribe' ? `${people.of(w.grants)}${w.grants_more ? '+' : ''}` : '—'),
          },
          {
            key: 'state',
            title: t('reach.state'),
            render: (w) =>
              w.stopped_until ? (
                <span>
                  <StateTag state="paused" labels={{ paused: t('reach.stopped', { code: w.stop_code }) }} />{' '}
                  <Time at={w.stopped_until} />
                </span>
              ) : (
                <StateTag state="ok" labels={{ ok: t('reach.open') }} />
              ),
          },
        ]}
        actions={(w) =>
          w.stopped_until ? (
            <Can do="reach:write">
              <Danger
                trigger={
                  <Button type="link" size="small">
                    {t('reach.resume')}
                  </Button>
                }
                title={t('reach.resumeTitle')}
                consequence={t('reach.resumeText')}
                reason
                danger={false}
                onConfirm={(v) =>
                  resume.mutateAsync({
                    body: { brand_id: brand, account_id: w.account_id, channel: w.channel, reason: v.reason },
                  })
                }
              />
            </Can>
          ) : null
        }
        empty={t('reach.noWay')}
      />
    </Section>
  );
}
