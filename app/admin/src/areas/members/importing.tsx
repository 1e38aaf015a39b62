import { DownloadOutlined } from '@ant-design/icons';
import { Alert, Button, Steps } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { addressOf, type Data, useGet, useWrite } from '@/api';
import { useCan } from '@/app/session';
import { mark } from '@/i18n/marks';
import {
  Broken,
  Can,
  Danger,
  Detail,
  formatCount,
  JobProgress,
  Page,
  Section,
  StatCards,
  StateTag,
  Table,
  Time,
  Trail,
  Waiting,
} from '@/ui';
import { MappingForm } from './importMapping';
import { useImportLabels } from './imports';

type Import = Data<'get', '/imports/{id}'>;

const busy = ['receiving', 'checking', 'running', 'undoing'];

/** One import: mapping with samples, dry run, run, errors, undo. */
export function Component() {
  const { t } = useTranslation('members');
  const { id = '' } = useParams();
  const labels = useImportLabels();
  const [moving, setMoving] = useState(true);
  const {
    data: i,
    dataUpdatedAt,
    error,
    refetch,
  } = useGet('/imports/{id}', { params: { path: { id } }, refetchInterval: moving ? 1500 : false });
  useEffect(() => setMoving(!i || busy.includes(i.state)), [i]);
  const trail = [{ title: t('menu.imports'), to: '/members/imports' }];
  if (error && !i) {
    return (
      <Page title={t('menu.imports')} trail={trail}>
        <Broken error={error} again={() => void refetch()} />
      </Page>
    );
  }
  if (!i) return <Waiting />;
  const step = ['received'].includes(i.state)
    ? 0
    : ['checking', 'checked'].includes(i.state)
      ? 1
      : ['running', 'paused'].includes(i.state)
        ? 2
        : 3;
  return (
    <Page
      title={i.name}
      tab={i.name}
      trail={trail}
      watermark
      tag={
        <StateTag
          state={i.state}
          labels={labels}
          tone={i.state === 'checked' || i.state === 'received' ? 'blue' : undefined}
        />
      }
      actions={<Actions i={i} />}
    >
      <Section>
        <Steps
          size="small"
          responsive
          current={step}
          items={['map', 'check', 'run', 'end'].map((s) => ({ title: t(`imports.step.${s}`) }))}
          style={{ marginBottom: 16 }}
        />
        <Detail
          items={[
            {
              label: t('imports.file'),
              value: `${i.file_name}${mark('（')}${i.format}${i.encoding ? ` · ${i.encoding}` : ''}${mark('）')}`,
            },
            { label: t('imports.source'), value: i.source },
            { label: t('identity.at'), value: <Time at={i.created_at} /> },
            i.started_at !== null && { label: t('imports.started'), value: <Time at={i.started_at} /> },
            i.finished_at !== null && { label: t('rights.finished'), value: <Time at={i.finished_at} /> },
          ]}
        />
        {i.error ? <Alert type="error" showIcon style={{ marginTop: 12 }} title={i.error} /> : null}
        {busy.includes(i.state) || i.state === 'paused' ? (
          <div style={{ marginTop: 12 }}>
            <JobProgress state={i.state === 'paused' ? 'paused' : 'running'} done={i.done_rows} total={i.total_rows} />
          </div>
        ) : null}
      </Section>
      {i.total_rows > 0 ? (
        <StatCards
          items={[
            { key: 'all', title: t('imports.rows'), value: formatCount(i.total_rows) },
            { key: 'new', title: t('imports.new'), value: formatCount(i.new_rows), about: t('imports.newAbout') },
            { key: 'old', title: t('imports.old'), value: formatCount(i.old_rows), about: t('imports.oldAbout') },
            {
              key: 'conflict',
              title: t('imports.conflict'),
              value: formatCount(i.conflict_rows),
              about: t('imports.conflictAbout'),
              tone: i.conflict_rows > 0 ? 'warn' : undefined,
              to: '/members/merging',
            },
            {
              key: 'bad',
              title: t('imports.bad'),
              value: formatCount(i.bad_rows),
              about: t('imports.badAbout'),
              tone: i.bad_rows > 0 ? 'bad' : undefined,
              note:
                i.bad_rows > 0 ? (
                  <>
                    {i.file_gone ? null : (
                      <Can do="import:write">
                        <a href={addressOf('/imports/{id}/bad-rows', { path: { id } })} download>
                          <DownloadOutlined aria-hidden /> {t('imports.badRows')}
                        </a>
                        <br />
                      </Can>
                    )}
                    <a href={addressOf('/imports/{id}/errors', { path: { id } })} download>
                      <DownloadOutlined aria-hidden /> {t('imports.errors')}
                    </a>
                  </>
                ) : undefined,
            },
          ]}
        />
      ) : null}
      {i.state === 'received' || i.state === 'checked' ? (
        <MappingForm key={i.state} i={i} seen={dataUpdatedAt} />
      ) : null}
      <Sample i={i} />
      <Trail object="import" id={id} />
    </Page>
  );
}

function Actions({ i }: { i: Import }) {
  const { t } = useTranslation('members');
  const may = useCan();
  const params = { path: { id: i.id ?? '' } };
  const quiet = { invalidate: ['/imports'], quiet: true } as const;
  const run = useWrite('post', '/imports/{id}/run', { invalidate: ['/imports'], done: t('imports.running') });
  const pause = useWrite('post', '/imports/{id}/pause', { invalidate: ['/imports'], done: t('imports.paused') });
  const cancel = useWrite('post', '/imports/{id}/cancel', quiet);
  const undo = useWrite('post', '/imports/{id}/undo', quiet);
  return (
    <>
      <Can do="import:write">
        {i.state === 'checked' ? (
          <Danger
            trigger={<Button type="primary">{t('imports.run')}</Button>}
            title={t('imports.runTitle', { n: formatCount(i.total_rows - i.bad_rows) })}
            consequence={t('imports.runText', {
              new: formatCount(i.new_rows),
              old: formatCount(i.old_rows),
              conflict: formatCount(i.conflict_rows),
              bad: formatCount(i.bad_rows),
            })}
            danger={false}
            confirm={t('imports.run')}
            onConfirm={() => run.mutateAsync({ params })}
          />
        ) : null}
        {i.state === 'paused' ? (
          <Button type="primary" loading={run.isPending} onClick={() => run.mutate({ params })}>
            {t('imports.resume')}
          </Button>
        ) : null}
        {i.state === 'running' ? (
          <Button loading={pause.isPending} onClick={() => pause.mutate({ params })}>
            {t('imports.pause')}
          </Button>
        ) : null}
        {['received', 'checked', 'checking', 'paused'].includes(i.state) ? (
          <Danger
            trigger={<Button>{t('imports.cancel')}</Button>}
            title={t('imports.cancelTitle')}
            consequence={t('imports.cancelText')}
            onConfirm={() => cancel.mutateAsync({ params })}
          />
        ) : null}
      </Can>
      {may('import:undo') && ['done', 'paused', 'cancelled'].includes(i.state) && i.done_rows > 0 ? (
        <Danger
          trigger={<Button danger>{t('imports.undo')}</Button>}
          title={t('imports.undoTitle')}
          consequence={t('imports.undoText', { n: formatCount(i.done_rows - i.bad_rows) })}
          name={i.name}
          confirm={t('imports.undo')}
          onConfirm={() => undo.mutateAsync({ params })}
        />
      ) : null}
    </>
  );
}

function Sample({ i }: { i: Import }) {
  const { t } = useTranslation('members');
  const rows = i.sample ?? [];
  if (rows.length === 0) return null;
  const shown: { id: string; cells: readonly string[] }[] = rows.map((cells, n) => ({
    id: String(n),
    cells: cells ?? [],
  }));
  return (
    <Section title={t('imports.sample')}>
      <Table
        rows={shown}
        label={t('imports.sample')}
        columns={(i.columns ?? []).map((c, n) => ({
          key: `${n}`,
          title: c,
          render: (r: { cells: readonly string[] }) => r.cells[n] || '—',
        }))}
      />
      <p className="muted">{t('imports.masked')}</p>
    </Section>
  );
}
