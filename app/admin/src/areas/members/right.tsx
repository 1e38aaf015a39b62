import { Alert, Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { useGet, useWrite } from '@/api';
import { useMe } from '@/app/session';
import {
  Broken,
  Can,
  Copy,
  Danger,
  Detail,
  formatCount,
  Page,
  Section,
  StateTag,
  Table,
  Time,
  Trail,
  Waiting,
} from '@/ui';
import { MemberLink } from './parts';
import { Deadline, useRightsLabels } from './rights';

/** One request of a person about his data, with who decides and, at the end, the proof. */
export function Component() {
  const { t } = useTranslation('members');
  const { id = '' } = useParams();
  const { me } = useMe();
  const { states, kind } = useRightsLabels();
  const {
    data: r,
    error,
    refetch,
  } = useGet('/rights/{id}', {
    params: { path: { id } },
    refetchInterval: 10_000,
  });
  const approve = useWrite('post', '/rights/{id}/approve', {
    invalidate: ['/rights', '/members'],
    done: t('rights.approved'),
    quiet: true,
  });
  const refuse = useWrite('post', '/rights/{id}/refuse', {
    invalidate: ['/rights', '/members'],
    done: t('rights.refusedDone'),
    quiet: true,
  });
  const trail = [{ title: t('menu.rights'), to: '/members/rights' }];
  if (error && !r) {
    return (
      <Page title={t('menu.rights')} trail={trail}>
        <Broken error={error} again={() => void refetch()} />
      </Page>
    );
  }
  if (!r) return <Waiting />;
  const waits = r.state === 'requested';
  const own = r.operator_id === me.operator.id;
  return (
    <Page
      title={kind(r.kind)}
      tab={kind(r.kind)}
      trail={trail}
      watermark
      tag={<StateTag state={r.state} labels={states} tone={waits ? 'orange' : undefined} />}
      actions={
        waits ? (
          <Can do="rights:write">
            {own ? (
              <span className="muted">{t('rights.own')}</span>
            ) : (
              <Danger
                trigger={<Button type="primary">{t('rights.approve')}</Button>}
                title={t('rights.approveTitle')}
                consequence={t(`rights.consequence.${r.kind}`)}
                danger={r.kind === 'erase'}
                reason
                confirm={t('rights.approve')}
                onConfirm={({ reason }) => approve.mutateAsync({ params: { path: { id } }, body: { reason } })}
              />
            )}
            <Danger
              trigger={<Button>{t('rights.refuse')}</Button>}
              title={t('rights.refuseTitle')}
              consequence={t('rights.refuseText')}
              danger={false}
              reason
              confirm={t('rights.refuse')}
              onConfirm={({ reason }) => refuse.mutateAsync({ params: { path: { id } }, body: { reason } })}
            />
          </Can>
        ) : null
      }
    >
      <Section>
        <Detail
          items={[
            { label: t('list.member'), value: <MemberLink id={r.member_id} /> },
            { label: t('rights.due'), value: <Deadline request={r} /> },
            { label: t('rights.dueAt'), value: <Time at={r.due_at} /> },
            { label: t('consent.channel'), value: t(`story.channel.${r.channel}`, { defaultValue: r.channel }) },
            { label: t('rights.asked'), value: <Time at={r.created_at} /> },
            { label: t('adjust.decided'), value: <Time at={r.decided_at} /> },
            Boolean(r.start_at && !r.finished_at) && { label: t('rights.starts'), value: <Time at={r.start_at} /> },
            { label: t('rights.finished'), value: <Time at={r.finished_at} /> },
            r.file_bytes > 0 && {
              label: t('rights.file'),
              value: t('rights.fileText', { kb: formatCount(Math.ceil(r.file_bytes / 1024)), n: r.downloads }),
            },
            r.file_hash !== '' && { label: 'SHA-256', wide: true, value: <Copy text={r.file_hash} /> },
            r.answer !== '' && { label: t('rights.answer'), wide: true, value: r.answer },
          ]}
        />
        {r.kind === 'correct' && Object.keys(r.fields ?? {}).length > 0 ? (
          <Table
            rows={Object.entries(r.fields ?? {}).map(([field, value]) => ({ id: field, field, value: String(value) }))}
            label={t('rights.kind.correct')}
            columns={[
              { key: 'field', title: t('profile.field'), render: (f) => f.field },
              { key: 'value', title: t('rights.newValue'), render: (f) => f.value || t('profile.takenBack') },
            ]}
          />
        ) : null}
      </Section>
      {r.kind === 'erase' && r.state === 'done' ? <ProofOfErasure id={id} /> : null}
      {r.kind === 'erase' && r.state === 'approved' ? (
        <Alert type="warning" showIcon style={{ marginBottom: 16 }} title={t('rights.eraseWaits')} />
      ) : null}
      <Trail object="rights" id={id} />
    </Page>
  );
}

function ProofOfErasure({ id }: { id: string }) {
  const { t } = useTranslation('members');
  const { data: p, error } = useGet('/rights/{id}/proof', { params: { path: { id } } });
  if (error && !p) return <Broken error={error} />;
  if (!p) return <Waiting height={120} />;
  return (
    <Section title={t('rights.proof')} extra={<Button onClick={() => window.print()}>{t('rights.print')}</Button>}>
      <p style={{ marginTop: 0 }}>{t('rights.proofText', { company: p.company })}</p>
      <Table
        rows={(p.tables ?? []).map((x) => ({ ...x, id: x.table }))}
        label={t('rights.proof')}
        columns={[
          { key: 'title', title: t('rights.data'), render: (x) => x.title },
          { key: 'rows', title: t('rights.rows'), align: 'right', render: (x) => formatCount(x.rows) },
          { key: 'kept', title: t('rights.kept'), render: (x) => x.kept || t('rights.nothingKept') },
        ]}
      />
      <p>
        {t('rights.signature')} <Copy text={p.signature} />
      </p>
    </Section>
  );
}
