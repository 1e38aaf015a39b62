import { CheckCircleOutlined, CloseCircleOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link, useParams } from 'react-router';
import { useGet } from '@/api';
import { spoken } from '@/i18n/server';
import {
  Broken,
  Can,
  Copy,
  Detail,
  dayText,
  formatFen,
  Money,
  Page,
  Section,
  StatCards,
  StateTag,
  Table,
  Time,
  Trail,
  Waiting,
} from '@/ui';
import { Amount, accrualTone } from './commission';
import { Act, Person, percent, useWords } from './parts';

export function Component() {
  const { t } = useTranslation('leaders');
  const { id = '' } = useParams();
  const states = useWords('accrualState');
  const { data: w, error, refetch } = useGet('/commission/accruals/{id}', { params: { path: { id } } });
  if (error && !w) return <Broken error={error} again={() => void refetch()} />;
  if (!w) return <Waiting />;
  const a = w.accrual;
  const left = a.amount - a.clawed;
  return (
    <Page
      title={t('accrual.title', { name: w.earner.name })}
      tag={<StateTag state={a.state} labels={states} tone={accrualTone(a.state)} />}
      trail={[{ title: t('menu.commission'), to: '/leaders/commission' }]}
      watermark
      actions={
        left > 0 ? (
          <Can do="commission:claw">
            <Act
              method="post"
              path="/commission/accruals/{id}/claw"
              id={a.id}
              reason
              invalidate={['/commission']}
              done={t('accrual.clawDone')}
              trigger={<Button danger>{t('accrual.claw')}</Button>}
              title={t('accrual.clawTitle')}
              consequence={
                <>
                  {t('accrual.clawText')}{' '}
                  <strong>
                    <Amount pay={a.pay} n={left} />
                  </strong>
                  {a.state === 'settled' ? <p className="muted">{t('accrual.clawSettled')}</p> : null}
                </>
              }
            />
          </Can>
        ) : null
      }
    >
      <StatCards
        items={[
          { key: 'amount', title: t('commission.amount'), value: <Amount pay={a.pay} n={a.amount} /> },
          { key: 'clawed', title: t('commission.clawed'), value: <Amount pay={a.pay} n={a.clawed} /> },
          {
            key: 'base',
            title: t('accrual.base'),
            value: a.base_fen ? <Money fen={a.base_fen} /> : t('accrual.items', { n: a.base_qty }),
          },
        ]}
      />
      <Section title={t('accrual.story')}>
        <Detail
          items={[
            { label: t('commission.earner'), value: <Person who={w.earner} id={a.earner_id} /> },
            { label: t('commission.referee'), value: <Person who={w.referee} id={a.referee_id} /> },
            { label: t('commission.trigger'), value: `${t(`trigger.${a.trigger}`)} · ${t(`level.${a.level}`)}` },
            { label: t('commission.day'), value: dayText(a.day) },
            { label: t('accrual.factAt'), value: <Time at={a.event_at} /> },
            { label: t('accrual.fact'), value: <Copy text={a.event_key} /> },
            { label: t('accrual.boundAt'), value: <Time at={a.bound_at} /> },
            { label: t('commission.releaseAt'), value: <Time at={a.release_at} /> },
            { label: t('accrual.releasedAt'), value: <Time at={a.released_at} /> },
            { label: t('accrual.settledAt'), value: <Time at={a.settled_at} /> },
            {
              label: t('accrual.rule'),
              value: (
                <Link to={`/leaders/rules/${a.rule_id}`}>
                  {t('accrual.ruleVersion', { name: w.rule.terms.name, n: w.rule.version })}
                </Link>
              ),
            },
            w.statement
              ? {
                  label: t('accrual.statement'),
                  value: <Link to={`/leaders/commission/statements/${w.statement.id}`}>{w.statement.number}</Link>,
                }
              : null,
            a.reason ? { label: t('commission.note'), value: spoken(a.reason), wide: true } : null,
          ]}
        />
      </Section>
      <Section title={t('accrual.checks')}>
        <ul style={{ listStyle: 'none', padding: 0, margin: 0, display: 'grid', gap: 6 }}>
          {w.checks.map((c) => (
            <li key={c.what}>
              {c.ok ? (
                <CheckCircleOutlined style={{ color: '#237804' }} aria-label={t('yes')} />
              ) : (
                <CloseCircleOutlined style={{ color: '#cf1322' }} aria-label={t('no')} />
              )}{' '}
              {spoken(c.text)}
            </li>
          ))}
        </ul>
        <p className="muted">
          {t(w.rule.terms.each ? 'accrual.termsEach' : 'accrual.termsShare', {
            what: w.rule.terms.each
              ? a.pay === 'cash'
                ? formatFen(w.rule.terms.each)
                : t('accrual.points', { n: w.rule.terms.each })
              : percent(w.rule.terms.share_bp),
            days: w.rule.terms.freeze_days,
          })}
        </p>
      </Section>
      <Section title={t('accrual.claws')}>
        <Table
          rows={w.claws}
          columns={[
            {
              key: 'amount',
              title: t('commission.amount'),
              render: (c) => <Amount pay={c.pay} n={c.amount} />,
            },
            { key: 'reason', title: t('form.reason'), render: (c) => spoken(c.reason) },
            { key: 'late', title: t('accrual.late'), render: (c) => t(c.late ? 'yes' : 'no') },
            { key: 'at', title: t('accrual.at'), render: (c) => <Time at={c.created_at} /> },
          ]}
          empty={t('accrual.noClaws')}
        />
      </Section>
      <Trail object="commission_accrual" id={a.id} />
    </Page>
  );
}
