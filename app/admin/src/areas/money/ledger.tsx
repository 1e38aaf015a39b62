import { Alert, Button, Tabs } from 'antd';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { type Data, type Row, useGet } from '@/api';
import { mark } from '@/i18n/marks';
import { spoken } from '@/i18n/server';
import { Broken, DataTable, Empty, formatCount, Money, Page, Section, StateTag, Table, Time, Waiting } from '@/ui';
import { useWords } from './words';
import './money.css';

type Trial = Data<'get', '/ledger/trial-balance'>;
type Account = Data<'get', '/ledger/accounts'>[number];
type Entry = Row<'/ledger/entries'>;

/** The book: does it balance, the house's accounts, and the entries of one. */
export function Component() {
  const { t } = useTranslation('money');
  const [search, setSearch] = useSearchParams();
  const { data, error, refetch } = useGet('/ledger/trial-balance', { refetchInterval: 60_000 });
  const accounts = useWords('accounts');
  if (error && !data) return <Broken error={error} again={() => void refetch()} />;
  if (!data) return <Waiting />;
  const kind = search.get('kind');
  const owner = search.get('owner');
  const unit = search.get('unit') === 'points' ? 'points' : 'fen';
  return (
    <Page title={t('menu.ledger')} about={t('ledger.about')} watermark asOf={data.as_of}>
      <Alert
        showIcon
        style={{ marginBottom: 16 }}
        type={data.balanced ? 'success' : 'error'}
        title={t(data.balanced ? 'ledger.even' : 'ledger.uneven')}
        description={
          data.balanced
            ? t('ledger.evenText')
            : t('ledger.unevenText', { accounts: (data.negative ?? []).join(mark('、')) })
        }
      />
      {kind && owner ? (
        <Entries
          kind={kind}
          owner={owner}
          unit={unit}
          of={search.get('of') ?? ''}
          onBack={() => setSearch(search.get('brand') ? { brand: search.get('brand') ?? '' } : {})}
        />
      ) : (
        <Tabs
          items={[
            { key: 'accounts', label: t('ledger.accounts'), children: <Accounts words={accounts} /> },
            { key: 'trial', label: t('ledger.trial'), children: <Lines trial={data} words={accounts} /> },
          ]}
        />
      )}
    </Page>
  );
}

function amount(unit: string | undefined, n: number | undefined) {
  return unit === 'fen' ? <Money fen={n} /> : <span className="nums">{formatCount(n)}</span>;
}

function Lines({ trial, words }: { trial: Trial; words: Record<string, string> }) {
  const { t } = useTranslation('money');
  const units = useWords('units');
  return (
    <Section title={t('ledger.trial')}>
      <Table
        rows={trial.lines ?? []}
        rowKey={(l) => `${l.unit}/${l.kind}`}
        label={t('ledger.trial')}
        columns={[
          { key: 'kind', title: t('ledger.kind'), render: (l) => words[l.kind ?? ''] ?? l.kind },
          { key: 'unit', title: t('ledger.unit'), render: (l) => units[l.unit ?? ''] },
          { key: 'debits', title: t('ledger.debits'), align: 'right', render: (l) => amount(l.unit, l.debits) },
          { key: 'credits', title: t('ledger.credits'), align: 'right', render: (l) => amount(l.unit, l.credits) },
          {
            key: 'balance',
            title: t('ledger.balance'),
            about: t('ledger.balanceAbout'),
            align: 'right',
            render: (l) => <strong>{amount(l.unit, l.balance)}</strong>,
          },
        ]}
        empty={<Empty title={t('ledger.none')} text={t('ledger.noneText')} />}
      />
      <p className="muted">
        {t('ledger.totals', { points: formatCount(trial.totals?.points ?? 0) })} <Money fen={trial.totals?.fen ?? 0} />
      </p>
    </Section>
  );
}

function Accounts({ words }: { words: Record<string, string> }) {
  const { t } = useTranslation('money');
  const units = useWords('units');
  const [search, setSearch] = useSearchParams();
  const { data, error, refetch } = useGet('/ledger/accounts', { params: { query: {} } });
  if (error && !data) return <Broken error={error} again={() => void refetch()} />;
  if (!data) return <Waiting />;
  const open = (a: Account) => {
    const next = new URLSearchParams(search);
    next.set('kind', a.kind ?? '');
    next.set('owner', a.owner ?? '');
    next.set('unit', a.unit ?? 'fen');
    next.set('of', a.name ?? '');
    setSearch(next);
  };
  return (
    <Section title={t('ledger.accounts')}>
      <Table
        rows={data}
        rowKey={(a) => `${a.unit}/${a.kind}/${a.owner}`}
        label={t('ledger.accounts')}
        columns={[
          { key: 'kind', title: t('ledger.kind'), render: (a) => words[a.kind ?? ''] ?? a.kind },
          { key: 'name', title: t('ledger.owner'), render: (a) => a.name || a.owner },
          { key: 'unit', title: t('ledger.unit'), render: (a) => units[a.unit ?? ''] },
          { key: 'debits', title: t('ledger.debits'), align: 'right', render: (a) => amount(a.unit, a.debits) },
          { key: 'credits', title: t('ledger.credits'), align: 'right', render: (a) => amount(a.unit, a.credits) },
          {
            key: 'balance',
            title: t('ledger.balance'),
            about: t('ledger.balanceAbout'),
            align: 'right',
            render: (a) => <strong>{amount(a.unit, a.balance)}</strong>,
          },
        ]}
        actions={(a) => (
          <Button size="small" onClick={() => open(a)}>
            {t('ledger.entries')}
          </Button>
        )}
        empty={<Empty title={t('ledger.none')} text={t('ledger.noneText')} example={t('ledger.noneExample')} />}
      />
    </Section>
  );
}

function Entries({
  kind,
  owner,
  unit,
  of,
  onBack,
}: {
  kind: string;
  owner: string;
  unit: 'fen' | 'points';
  of: string;
  onBack: () => void;
}) {
  const { t } = useTranslation('money');
  const words = useWords('accounts');
  const credit = (e: Entry) => e.credit_kind === kind && e.credit_owner === owner;
  const signed = (e: Entry) => (credit(e) ? (e.amount ?? 0) : -(e.amount ?? 0));
  return (
    <>
      <div className="page-actions" style={{ marginBottom: 12 }}>
        <Button onClick={onBack}>{t('ledger.back')}</Button>
        <strong>{t('ledger.entriesOf', { kind: words[kind] ?? kind, of })}</strong>
      </div>
      <DataTable
        id="money.entries"
        path="/ledger/entries"
        params={{ query: { unit, kind, owner_id: owner } }}
        filters={[{ name: 'day', label: t('ledger.at'), kind: 'range' }]}
        exportAs="ledger"
        columns={[
          { key: 'at', title: t('ledger.at'), render: (e: Entry) => <Time at={e.at} seconds /> },
          {
            key: 'side',
            title: t('ledger.side'),
            render: (e: Entry) => (
              <StateTag
                state={credit(e) ? 'in' : 'out'}
                labels={{ in: t('ledger.in'), out: t('ledger.out') }}
                tone={credit(e) ? 'green' : 'grey'}
              />
            ),
          },
          { key: 'amount', title: t('payout.amount'), align: 'right', render: (e: Entry) => amount(unit, signed(e)) },
          {
            key: 'other',
            title: t('ledger.other'),
            render: (e: Entry) => words[(credit(e) ? e.debit_kind : e.credit_kind) ?? ''],
          },
          {
            key: 'memo',
            title: t('ledger.memo'),
            render: (e: Entry) => <span style={{ whiteSpace: 'normal' }}>{spoken(e.memo)}</span>,
          },
          {
            key: 'key',
            title: t('ledger.key'),
            hidden: true,
            render: (e: Entry) => <span className="nums">{e.key}</span>,
          },
        ]}
        empty={{ title: t('ledger.noEntries'), text: t('ledger.noEntriesText'), example: t('ledger.noneExample') }}
      />
    </>
  );
}
