import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { useGet } from '@/api';
import { Broken, Copy, Detail, formatCount, Page, Section, Table, Time, Trail, Waiting } from '@/ui';
import { PackCard, sizeText } from './PackCard';
import { useWords } from './words';

export function Component() {
  const { t } = useTranslation('goods');
  const { id = '' } = useParams();
  const kinds = useWords('pack.kinds');
  const forms = useWords('pack.forms');
  const { data: x, error, refetch } = useGet('/exports/{id}', { params: { path: { id } }, refetchInterval: 3000 });
  const flow = useGet('/batch-requests/{id}/flow', {
    params: { path: { id: x?.batch_id ?? '' } },
    enabled: Boolean(x?.batch_id),
  });
  const log = useGet('/exports/{id}/downloads', { params: { path: { id } }, refetchInterval: 10_000 });
  const trail = [{ title: t('menu.exports'), to: '/goods/exports' }];
  if (error && !x)
    return (
      <Page title={t('menu.exports')} trail={trail}>
        <Broken error={error} again={() => void refetch()} />
      </Page>
    );
  if (!x)
    return (
      <Page title={t('menu.exports')} trail={trail}>
        <Waiting />
      </Page>
    );
  const batch = flow.data?.batch;
  return (
    <Page title={t('pack.title', { kind: kinds[x.kind] ?? x.kind, batch: batch?.name ?? '' })} trail={trail}>
      <Section>
        <PackCard pack={x} logins={flow.data?.logins ?? {}} />
      </Section>
      <Section title={t('batch.facts')}>
        <Detail
          items={[
            {
              label: t('batch.name'),
              value: batch ? <Link to={`/goods/batches/${batch.id}`}>{batch.name}</Link> : null,
            },
            { label: t('batch.product'), value: flow.data?.product },
            { label: t('pack.form'), value: forms[x.url_form] },
            { label: t('pack.finished'), value: <Time at={x.finished_at} /> },
            { label: t('pack.until'), value: <Time at={x.expires_at} /> },
            { label: t('pack.times'), value: formatCount(x.max_downloads) },
          ]}
        />
        {x.parts.length > 0 ? (
          <div style={{ marginTop: 16 }}>
            <Table
              label={t('pack.parts')}
              rows={x.parts}
              rowKey={(p) => String(p.part)}
              columns={[
                { key: 'name', title: t('pack.file'), render: (p) => p.name },
                { key: 'size', title: t('pack.size'), align: 'right', render: (p) => sizeText(p.bytes) },
                {
                  key: 'checked',
                  title: t('pack.readBack'),
                  align: 'right',
                  about: t('pack.checked'),
                  render: (p) => formatCount(p.checked),
                },
                {
                  key: 'downloads',
                  title: t('pack.downloads'),
                  align: 'right',
                  render: (p) => `${p.downloads} / ${x.max_downloads}`,
                },
                {
                  key: 'sha',
                  title: 'SHA-256',
                  render: (p) => <Copy text={p.sha256} shown={`${p.sha256.slice(0, 12)}…`} />,
                },
              ]}
            />
          </div>
        ) : null}
      </Section>
      <Section title={t('pack.log')}>
        <Table
          label={t('pack.log')}
          rows={log.data ?? []}
          loading={log.isPending}
          empty={t('pack.logNone')}
          columns={[
            { key: 'at', title: t('time'), render: (d) => <Time at={d.created_at} /> },
            { key: 'who', title: t('who'), render: (d) => d.login },
            { key: 'part', title: t('pack.partNo'), render: (d) => d.part },
            { key: 'ip', title: 'IP', render: (d) => d.ip || '—' },
          ]}
        />
      </Section>
      <Trail object="export" id={x.id} />
    </Page>
  );
}
