import { Button, Form, Radio } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { useGet } from '@/api';
import { useCan } from '@/app/session';
import { spoken } from '@/i18n/server';
import { Broken, Can, DataTable, Detail, formatCount, Page, Section, StateTag, Time, Trail, Waiting } from '@/ui';
import { toneOf } from './fraud';
import { Act, Person, useWords } from './parts';

export function Component() {
  const { t } = useTranslation('leaders');
  const { id = '' } = useParams();
  const can = useCan();
  const states = useWords('fraudState');
  const roles = useWords('role');
  const { data: c, error, refetch } = useGet('/fraud/cases/{id}', { params: { path: { id } } });
  if (error && !c) return <Broken error={error} again={() => void refetch()} />;
  if (!c) return <Waiting />;
  return (
    <Page
      title={spoken(c.title)}
      tag={<StateTag state={c.state} labels={states} tone={toneOf(c.state)} />}
      trail={[{ title: t('menu.fraud'), to: '/leaders/fraud' }]}
      watermark
      actions={
        c.state === 'open' ? (
          <Can do="fraud:decide">
            <Act
              method="post"
              path="/fraud/cases/{id}/decide"
              id={c.id}
              reason
              danger={false}
              invalidate={['/fraud/cases']}
              done={t('fraud.decided')}
              body={(v) => ({ decision: v.decision, reason: v.reason })}
              trigger={<Button type="primary">{t('fraud.decide')}</Button>}
              title={t('fraud.decideTitle')}
              consequence={t('fraud.decideText', { n: c.people })}
            >
              <Form.Item
                name="decision"
                label={t('fraud.decision')}
                rules={[{ required: true, message: t('form.needed') }]}
              >
                <Radio.Group
                  options={[
                    { value: 'cleared', label: t('fraud.clear') },
                    { value: 'confirmed', label: t('fraud.confirm') },
                  ]}
                />
              </Form.Item>
            </Act>
          </Can>
        ) : null
      }
    >
      <Section title={t('fraud.evidence')}>
        <p style={{ fontSize: 16 }}>{spoken(c.evidence.text)}</p>
        <Detail
          items={[
            { label: t('fraud.referrer'), value: <Person who={c.referrer} id={c.referrer_id} /> },
            { label: t('people.role'), value: roles[c.role] ?? c.role },
            {
              label: t('fraud.found'),
              value: t('fraud.foundRule', { n: formatCount(c.evidence.found), rule: formatCount(c.evidence.rule) }),
            },
            { label: t('fraud.from'), value: <Time at={c.evidence.from} /> },
            { label: t('fraud.until'), value: <Time at={c.evidence.until} /> },
            { label: t('fraud.opened'), value: <Time at={c.opened_at} /> },
            c.decided_at ? { label: t('fraud.decidedAt'), value: <Time at={c.decided_at} /> } : null,
            c.reason ? { label: t('form.reason'), value: c.reason, wide: true } : null,
            c.referrer_id && can('referral:read')
              ? {
                  label: t('menu.tree'),
                  value: <Link to={`/leaders/tree?member=${c.referrer_id}`}>{t('fraud.toTree')}</Link>,
                }
              : null,
          ]}
        />
        {c.chain.length > 0 ? (
          <p>
            <span className="muted">{t('fraud.chain')}</span>{' '}
            {c.chain.map((p, i) => (
              <span key={p.member_id}>
                {i > 0 ? ' → ' : ''}
                <Person who={p.who} id={p.member_id} />
              </span>
            ))}
          </p>
        ) : null}
      </Section>
      <DataTable
        id="leaders.fraud.people"
        path="/fraud/cases/{id}/people"
        params={{ path: { id } }}
        rowKey={(p) => p.member_id ?? ''}
        columns={[
          { key: 'who', title: t('fraud.person'), render: (p) => <Person who={p.who} id={p.member_id} /> },
          { key: 'id', title: t('people.member'), render: (p) => p.member_id },
          { key: 'at', title: t('fraud.came'), render: (p) => <Time at={p.at} seconds /> },
        ]}
        empty={{ title: t('fraud.noPeople'), text: t('fraud.noPeopleText') }}
      />
      <Trail object="fraud_case" id={c.id} />
    </Page>
  );
}
