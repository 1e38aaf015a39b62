import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { useGet } from '@/api';
import { addressOf } from '@/api/client';
import { Broken, DataTable, Detail, dayText, formatCount, Money, Page, Section, StatCards, Time, Waiting } from '@/ui';
import { Amount, useAccrualColumns } from './commission';
import { Person, Tabs, useWords } from './parts';

export function Component() {
  const { t } = useTranslation('leaders');
  const { id = '' } = useParams();
  const cycles = useWords('cycle');
  const { data: s, error, refetch } = useGet('/commission/statements/{id}', { params: { path: { id } } });
  if (error && !s) return <Broken error={error} again={() => void refetch()} />;
  if (!s) return <Waiting />;
  return (
    <Page
      title={s.number}
      trail={[
        { title: t('menu.commission'), to: '/leaders/commission' },
        { title: t('commission.statements'), to: '/leaders/commission?tab=statements' },
      ]}
      watermark
      actions={
        <Button href={addressOf('/commission/statements/{id}/csv', { path: { id } })} download>
          {t('statement.csv')}
        </Button>
      }
    >
      <StatCards
        items={[
          {
            key: 'gross',
            title: t('statement.gross'),
            value: <Money fen={s.gross_fen} />,
            note: s.gross_points ? t('points', { n: formatCount(s.gross_points) }) : undefined,
          },
          {
            key: 'clawed',
            title: t('commission.clawed'),
            value: <Money fen={s.clawed_fen} />,
            note: s.clawed_points ? t('points', { n: formatCount(s.clawed_points) }) : undefined,
          },
          {
            key: 'net',
            title: t('statement.net'),
            value: <Money fen={s.net_fen} />,
            note: s.net_points ? t('points', { n: formatCount(s.net_points) }) : undefined,
          },
          {
            key: 'taxable',
            title: t('statement.taxable'),
            value: <Money fen={s.taxable_fen} />,
            about: t('statement.taxableAbout'),
          },
        ]}
      />
      <Section>
        <Detail
          items={[
            { label: t('commission.earner'), value: <Person who={s.earner} id={s.earner_id} /> },
            {
              label: t('statement.cycle'),
              value: `${cycles[s.kind] ?? s.kind} ${dayText(s.from_day)} ~ ${dayText(s.until_day)}`,
            },
            { label: t('statement.closed'), value: <Time at={s.closed_at} /> },
          ]}
        />
      </Section>
      <Tabs
        tabs={[
          { key: 'lines', label: t('statement.lines'), content: () => <Lines id={id} /> },
          { key: 'claws', label: t('statement.claws'), content: () => <Claws id={id} /> },
        ]}
      />
    </Page>
  );
}

function Lines({ id }: { id: string }) {
  const { t } = useTranslation('leaders');
  const columns = useAccrualColumns();
  return (
    <DataTable
      id="leaders.statement.lines"
      path="/commission/statements/{id}/lines"
      params={{ path: { id } }}
      to={(a) => `/leaders/commission/accruals/${a.id}`}
      columns={columns}
      empty={{ title: t('statement.noLines'), text: t('statement.noLinesText') }}
    />
  );
}

function Claws({ id }: { id: string }) {
  const { t } = useTranslation('leaders');
  return (
    <DataTable
      id="leaders.statement.claws"
      path="/commission/statements/{id}/claws"
      params={{ path: { id } }}
      to={(c) => `/leaders/commission/accruals/${c.accrual_id}`}
      columns={[
        { key: 'amount', title: t('commission.amount'), render: (c) => <Amount pay={c.pay} n={c.amount} /> },
        { key: 'reason', title: t('form.reason'), render: (c) => c.reason },
        { key: 'at', title: t('accrual.at'), render: (c) => <Time at={c.created_at} /> },
      ]}
      empty={{ title: t('statement.noClaws'), text: t('statement.noClawsText') }}
    />
  );
}
