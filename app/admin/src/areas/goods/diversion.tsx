import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { useGet, useWrite } from '@/api';
import { spoken } from '@/i18n/server';
import {
  Broken,
  Can,
  Danger,
  Detail,
  formatCount,
  Page,
  Section,
  StatCards,
  StateTag,
  Table,
  Time,
  Trail,
  Waiting,
} from '@/ui';
import { useWords } from './words';

export function Component() {
  const { t } = useTranslation('goods');
  const { id = '' } = useParams();
  const words = useWords('diversion.states');
  const { data: d, error, refetch } = useGet('/diversions/{id}', { params: { path: { id } } });
  const decide = useWrite('post', '/diversions/{id}/decide', {
    invalidate: ['/diversions'],
    done: t('diversion.decided'),
    quiet: true,
  });
  const trail = [{ title: t('menu.diversions'), to: '/goods/diversions' }];
  if (error && !d)
    return (
      <Page title={t('menu.diversions')} trail={trail}>
        <Broken error={error} again={() => void refetch()} />
      </Page>
    );
  if (!d)
    return (
      <Page title={t('menu.diversions')} trail={trail}>
        <Waiting />
      </Page>
    );
  const share = ((d.codes / Math.max(d.territory.scans, 1)) * 100).toFixed(1);
  const act = (state: 'confirmed' | 'dismissed') => (
    <Danger
      key={state}
      danger={state === 'confirmed'}
      trigger={
        <Button danger={state === 'confirmed'} type={state === 'confirmed' ? 'primary' : 'default'}>
          {t(`diversion.do.${state}`)}
        </Button>
      }
      title={t(`diversion.ask.${state}`)}
      consequence={t('diversion.consequence')}
      reason
      confirm={t(`diversion.do.${state}`)}
      onConfirm={({ reason }) => decide.mutateAsync({ params: { path: { id } }, body: { state, reason } })}
    />
  );
  const cities = Object.entries(
    d.evidence.reduce<Record<string, number>>((sum, e) => {
      const city = e.city || e.province;
      sum[city] = (sum[city] ?? 0) + 1;
      return sum;
    }, {}),
  ).sort((a, b) => b[1] - a[1]);
  return (
    <Page
      title={t('diversion.line', { dealer: d.territory.dealer || d.batch, province: spoken(d.province) })}
      trail={trail}
      tag={
        <StateTag
          state={d.state}
          labels={words}
          tone={d.state === 'confirmed' ? 'red' : d.state === 'open' ? 'orange' : 'grey'}
        />
      }
      actions={
        <Can do="diversion:write">
          {d.state === 'dismissed' ? null : act('dismissed')}
          {d.state === 'confirmed' ? null : act('confirmed')}
        </Can>
      }
    >
      <StatCards
        items={[
          { key: 'codes', title: t('diversion.codes'), value: formatCount(d.codes) },
          { key: 'share', title: t('diversion.share'), value: `${share}%`, about: t('diversion.shareAbout') },
          { key: 'scans', title: t('batch.firsts'), value: formatCount(d.territory.scans) },
          { key: 'outside', title: t('territory.outside'), value: formatCount(d.territory.outside) },
        ]}
      />
      <Section title={t('batch.facts')}>
        <Detail
          items={[
            { label: t('territory.dealer'), value: d.territory.dealer },
            { label: t('territory.provinces'), value: d.territory.provinces.map(spoken).join(t('comma')) },
            { label: t('diversion.seenIn'), value: cities.map(([c, n]) => `${c} ${n}`).join(t('comma')) },
            { label: t('batch.product'), value: d.product },
            { label: t('batch.name'), value: <Link to={`/goods/batches/${d.batch_id}`}>{d.batch}</Link> },
            {
              label: t('diversion.period'),
              value: (
                <>
                  <Time at={d.first_at} /> – <Time at={d.last_at} />
                </>
              ),
            },
            d.decided_at
              ? {
                  label: t('diversion.decider'),
                  value: (
                    <>
                      {d.decider} · <Time at={d.decided_at} />
                    </>
                  ),
                }
              : null,
            d.reason ? { label: t('diversion.reason'), value: d.reason, wide: true } : null,
          ]}
        />
      </Section>
      <Section title={t('diversion.evidence')}>
        <p className="muted">{t('diversion.evidenceAbout')}</p>
        <Table
          label={t('diversion.evidence')}
          rows={d.evidence}
          rowKey={(e) => String(e.serial)}
          to={(e) => `/goods/codes?batch_id=${d.batch_id}&serial=${e.serial}`}
          columns={[
            { key: 'serial', title: t('code.serial'), render: (e) => formatCount(e.serial) },
            { key: 'city', title: t('diversion.city'), render: (e) => e.city || spoken(e.province) },
            { key: 'at', title: t('diversion.firstAt'), render: (e) => <Time at={e.at} /> },
          ]}
        />
      </Section>
      <Trail object="diversion" id={d.id} />
    </Page>
  );
}
