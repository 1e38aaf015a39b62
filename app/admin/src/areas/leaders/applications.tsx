import { useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { type Row, refresh, useGet, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { mark } from '@/i18n/marks';
import { Can, Danger, DataTable, Detail, LinkButton, Page, type Picked, StateTag, Time, useEach, Waiting } from '@/ui';
import { Act, Figures, Person, Tabs, useOptions, useWords } from './parts';

type Leader = Row<'/leaders'>;

export function Component() {
  const { t } = useTranslation('leaders');
  return (
    <Page title={t('menu.applications')} about={t('applications.about')} watermark>
      <Tabs
        tabs={[
          { key: 'queue', label: t('applications.queue'), content: () => <Queue /> },
          { key: 'candidates', label: t('applications.candidates'), content: () => <Candidates /> },
        ]}
      />
    </Page>
  );
}

function Queue() {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const can = useCan();
  return (
    <DataTable
      id="leaders.applications"
      path="/leaders"
      enabled={Boolean(brand)}
      params={{ query: { brand_id: brand, state: 'applied' } }}
      filters={[{ name: 'name', label: t('people.name'), kind: 'text' }]}
      to={(l: Leader) => `/leaders/people/${l.id}`}
      columns={[
        { key: 'name', title: t('people.name'), render: (l) => l.name },
        { key: 'region', title: t('people.region'), render: (l) => l.region || '—' },
        { key: 'community', title: t('applications.community'), render: (l) => l.community || '—' },
        {
          key: 'signed',
          title: t('people.signed'),
          render: (l) => (l.signed_version ? `v${l.signed_version}` : t('applications.unsigned')),
        },
        { key: 'created', title: t('applications.at'), render: (l) => <Time at={l.created_at} /> },
      ]}
      expand={(l) => <Answers id={l.id} />}
      actions={can('leader:approve') ? (l) => <Decide leader={l} /> : undefined}
      selection={can('leader:approve') ? { actions: (picked) => <Many picked={picked} /> } : undefined}
      empty={{
        title: t('applications.empty'),
        text: t('applications.emptyText'),
        action: <LinkButton to="/leaders/programme">{t('applications.toProgramme')}</LinkButton>,
        example: t('applications.example'),
      }}
    />
  );
}

/** Decide: approve at once, refuse with what he will be told. */
export function Decide({ leader }: { leader: { id: string; name: string } }) {
  const { t } = useTranslation('leaders');
  return (
    <>
      <Act
        method="post"
        path="/leaders/{id}/approve"
        id={leader.id}
        invalidate={['/leaders']}
        done={t('applications.approved')}
        danger={false}
        trigger={
          <Button type="link" size="small">
            {t('applications.approve')}
          </Button>
        }
        title={t('applications.approveTitle', { name: leader.name })}
        consequence={t('applications.approveText')}
        reason
        confirm={t('applications.approve')}
      />
      <Act
        method="post"
        path="/leaders/{id}/refuse"
        id={leader.id}
        invalidate={['/leaders']}
        done={t('applications.refused')}
        trigger={
          <Button type="link" size="small" danger>
            {t('applications.refuse')}
          </Button>
        }
        title={t('applications.refuseTitle', { name: leader.name })}
        consequence={t('applications.refuseText')}
        reason
        confirm={t('applications.refuse')}
      />
    </>
  );
}

/** Many decides one after the other, and says which it could not. */
function Many({ picked }: { picked: Picked<Leader> }) {
  const { t } = useTranslation('leaders');
  const approve = useWrite('post', '/leaders/{id}/approve', { quiet: true });
  const refuse = useWrite('post', '/leaders/{id}/refuse', { quiet: true });
  const queries = useQueryClient();
  const by =
    (write: typeof approve | typeof refuse) =>
    (l: Leader, { reason }: { reason: string }) =>
      write.mutateAsync({ params: { path: { id: l.id } }, body: { reason } });
  const name = (l: Leader) => l.name;
  const [yes, no] = [useEach(by(approve), name), useEach(by(refuse), name)];
  const begin = (each: typeof yes) => async (v: { reason: string }) => {
    void each.run(picked.rows, v).then(() => {
      picked.clear();
      return refresh(queries, ['/leaders']);
    });
  };
  const some = picked.rows.slice(0, 10).map(name).join(mark('、'));
  const names = picked.count > 10 ? t('applications.andOthers', { names: some, n: picked.count }) : some;
  if (yes.doing || no.doing) return yes.doing ?? no.doing;
  return (
    <>
      <Danger
        trigger={<Button size="small">{t('applications.approveMany', { n: picked.count })}</Button>}
        title={t('applications.approveManyTitle', { n: picked.count })}
        consequence={names}
        danger={false}
        reason
        onConfirm={begin(yes)}
      />
      <Danger
        trigger={
          <Button size="small" danger>
            {t('applications.refuseMany', { n: picked.count })}
          </Button>
        }
        title={t('applications.refuseManyTitle', { n: picked.count })}
        consequence={names}
        reason
        onConfirm={begin(no)}
      />
    </>
  );
}

/** Answers is what he wrote and what the numbers say of him. */
function Answers({ id }: { id: string }) {
  const { t } = useTranslation('leaders');
  const { data } = useGet('/leaders/{id}', { params: { path: { id } } });
  if (!data) return <Waiting height={80} />;
  return (
    <div style={{ display: 'grid', gap: 12 }}>
      <Detail
        items={[
          { label: t('people.region'), value: data.region },
          { label: t('applications.community'), value: data.community },
          { label: t('people.phone'), value: data.phone },
          data.candidate
            ? { label: t('applications.candidate'), value: <Time at={data.candidate.created_at} /> }
            : null,
          data.others.length
            ? { label: t('people.others'), value: data.others.map((o) => o.name).join(mark('、')) }
            : null,
        ]}
      />
      <Figures items={data.figures} />
    </div>
  );
}

function Candidates() {
  const { t } = useTranslation('leaders');
  const brand = useBrandID();
  const can = useCan();
  const states = useWords('candidateState');
  return (
    <DataTable
      id="leaders.candidates"
      path="/leader-candidates"
      enabled={Boolean(brand)}
      params={{ query: { brand_id: brand } }}
      filters={[{ name: 'state', label: t('people.state'), kind: 'select', options: useOptions('candidateState') }]}
      columns={[
        { key: 'who', title: t('people.member'), render: (c) => <Person who={c.who} id={c.member_id} /> },
        {
          key: 'state',
          title: t('people.state'),
          render: (c) => (
            <StateTag state={c.state} labels={states} tone={c.state === 'proposed' ? 'orange' : undefined} />
          ),
        },
        { key: 'created', title: t('candidates.found'), render: (c) => <Time at={c.created_at} /> },
        { key: 'reason', title: t('form.reason'), render: (c) => c.reason || '—' },
      ]}
      expand={(c) => <Figures items={c.evidence} />}
      actions={
        can('leader:approve')
          ? (c) =>
              c.state === 'proposed' || c.state === 'invited' ? (
                <>
                  {c.state === 'proposed' ? (
                    <Act
                      method="post"
                      path="/leader-candidates/{id}/invite"
                      id={c.id}
                      body={() => ({})}
                      danger={false}
                      invalidate={['/leader-candidates']}
                      done={t('candidates.invited')}
                      trigger={
                        <Button type="link" size="small">
                          {t('candidates.invite')}
                        </Button>
                      }
                      title={t('candidates.inviteTitle', { name: c.who.name })}
                      consequence={t('candidates.inviteText')}
                    />
                  ) : null}
                  <Act
                    method="post"
                    path="/leader-candidates/{id}/dismiss"
                    id={c.id}
                    reason
                    invalidate={['/leader-candidates']}
                    done={t('candidates.dismissed')}
                    trigger={
                      <Button type="link" size="small" danger>
                        {t(c.state === 'invited' ? 'candidates.takeBack' : 'candidates.dismiss')}
                      </Button>
                    }
                    title={t('candidates.dismissTitle', { name: c.who.name })}
                    consequence={t('candidates.dismissText')}
                  />
                </>
              ) : null
          : undefined
      }
      empty={{
        title: t('candidates.empty'),
        text: t('candidates.emptyText'),
        action: (
          <Can do="leader:write">
            <LinkButton to="/leaders/programme?tab=candidates">{t('candidates.toRules')}</LinkButton>
          </Can>
        ),
        example: t('candidates.example'),
      }}
    />
  );
}
