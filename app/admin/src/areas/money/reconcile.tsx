import { Button, Select, Tabs } from 'antd';
import dayjs from 'dayjs';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useSearchParams } from 'react-router';
import { type Data, useGet, useWrite } from '@/api';
import { useBrandID } from '@/app/brand';
import { useCan } from '@/app/session';
import { Broken, Danger, dayOf, dayText, Empty, LinkButton, Page, Section, StatCards, Waiting } from '@/ui';
import { Items } from './parts';
import './money.css';

type Calendar = Data<'get', '/reconcile/days'>;
type Day = NonNullable<Calendar['days']>[number];

/** Reconciliation: every day against WeChat's bill, and all that differs. */
export function Component() {
  const { t } = useTranslation('money');
  const brand = useBrandID();
  const [search, setSearch] = useSearchParams();
  const view = search.get('view') === 'items' ? 'items' : 'days';
  return (
    <Page title={t('menu.reconcile')} about={t('recon.about')} watermark>
      <Tabs
        activeKey={view}
        onChange={(key) => {
          const next = new URLSearchParams();
          if (search.get('brand')) next.set('brand', search.get('brand') ?? '');
          if (key === 'items') {
            next.set('view', 'items');
            next.set('state', 'open');
          }
          setSearch(next);
        }}
        items={[
          { key: 'days', label: t('recon.calendar'), children: view === 'days' ? <Days brand={brand} /> : null },
          {
            key: 'items',
            label: t('recon.items'),
            children: view === 'items' ? <Items id="money.items" brand={brand} /> : null,
          },
        ]}
      />
    </Page>
  );
}

function Days({ brand }: { brand: string }) {
  const { t } = useTranslation('money');
  const [search, setSearch] = useSearchParams();
  const today = dayOf(new Date());
  const month = dayjs(search.get('month') ? `${search.get('month')}-01` : `${today.slice(0, 7)}-01`);
  const { data, error, refetch } = useGet('/reconcile/days', {
    params: {
      query: { brand_id: brand, from: month.format('YYYY-MM-DD'), until: month.endOf('month').format('YYYY-MM-DD') },
    },
    enabled: Boolean(brand),
    keep: true,
    refetchInterval: 5000,
  });
  if (error && !data) return <Broken error={error} again={() => void refetch()} />;
  if (!data) return <Waiting />;
  const accounts = data.accounts ?? [];
  if (accounts.length === 0)
    return (
      <Section>
        <Empty
          title={t('recon.noAccount')}
          text={t('recon.noAccountText')}
          example={t('recon.noAccountExample')}
          action={
            <LinkButton to="/settings/accounts" type="primary">
              {t('recon.toAccounts')}
            </LinkButton>
          }
        />
      </Section>
    );
  const weekdays = t('weekdays', { returnObjects: true }) as unknown as string[];
  const account = accounts.find((a) => a.id === search.get('account')) ?? accounts[0];
  const days = (data.days ?? []).filter((d) => d.account_id === account?.id);
  const set = (name: string, v: string) => {
    const next = new URLSearchParams(search);
    next.set(name, v);
    setSearch(next);
  };
  const count = (test: (d: Day) => boolean) => days.filter(test).length;
  return (
    <>
      <StatCards
        items={[
          {
            key: 'even',
            title: t('light.even'),
            value: count((d) => lightOf(d) === 'even'),
            about: t('light.evenAbout'),
          },
          {
            key: 'differs',
            title: t('light.differs'),
            value: count((d) => lightOf(d) === 'differs'),
            about: t('light.differsAbout'),
            tone: count((d) => lightOf(d) === 'differs') ? 'bad' : undefined,
            note: t('recon.openItems', { count: days.reduce((n, d) => n + (d.open ?? 0), 0) }),
          },
          { key: 'waiting', title: t('light.waiting'), value: count((d) => lightOf(d) === 'waiting') },
          {
            key: 'failed',
            title: t('light.failed'),
            value: count((d) => lightOf(d) === 'failed'),
            tone: count((d) => lightOf(d) === 'failed') ? 'bad' : undefined,
          },
        ]}
      />
      <Section
        title={month.format('YYYY-MM')}
        extra={
          <>
            {accounts.length > 1 ? (
              <Select
                aria-label={t('payout.account')}
                value={account?.id}
                onChange={(v) => set('account', v ?? '')}
                options={accounts.map((a) => ({ value: a.id, label: `${a.name} ${a.mch_id}` }))}
              />
            ) : (
              <span className="muted">
                {account?.name} {account?.mch_id}
              </span>
            )}
            <Button onClick={() => set('month', month.subtract(1, 'month').format('YYYY-MM'))}>
              {t('recon.earlier')}
            </Button>
            <Button
              disabled={month.format('YYYY-MM') >= today.slice(0, 7)}
              onClick={() => set('month', month.add(1, 'month').format('YYYY-MM'))}
            >
              {t('recon.later')}
            </Button>
          </>
        }
      >
        <ol className="recon-calendar recon-week" aria-hidden>
          {weekdays.map((name) => (
            <li key={name} className="muted">
              {name}
            </li>
          ))}
        </ol>
        <ol className="recon-calendar">
          {Array.from({ length: (month.day() + 6) % 7 }, (_, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: empty places before the first day
            <li key={`before${i}`} aria-hidden className="recon-before" />
          ))}
          {Array.from({ length: month.daysInMonth() }, (_, i) => {
            const day = month.add(i, 'day').format('YYYY-MM-DD');
            const found = days.find((d) => dayText(d.day) === day);
            return <Cell key={day} day={day} today={today} found={found} account={account?.id ?? ''} />;
          })}
        </ol>
        <p className="muted">{t('recon.hint')}</p>
      </Section>
    </>
  );
}

/** lightOf is the colour of a day: even, differs, waiting, failed. */
export function lightOf(d: {
  state?: string;
  open?: number;
  proof?: string;
}): 'even' | 'differs' | 'waiting' | 'failed' {
  if (d.state === 'failed') return 'failed';
  if (d.state !== 'done') return 'waiting';
  return d.open || d.proof === 'sum' || d.proof === 'before' ? 'differs' : 'even';
}

function Cell({ day, today, found, account }: { day: string; today: string; found: Day | undefined; account: string }) {
  const { t } = useTranslation('money');
  const can = useCan();
  const number = <span className="recon-number">{Number(day.slice(8))}</span>;
  if (day > today) return <li className="recon-day recon-future">{number}</li>;
  if (!found)
    return (
      <li className="recon-day recon-none">
        {number}
        {can('recon:write') ? (
          <Ask day={day} account={account} today={day === today} />
        ) : (
          <span className="muted">{t('light.none')}</span>
        )}
      </li>
    );
  const light = lightOf(found);
  const text = found.open
    ? t('light.open', { count: found.open })
    : t(`light.${light === 'differs' ? 'proof' : light}`);
  return (
    <li className={`recon-day recon-${light}`}>
      <Link to={`/money/reconcile/${found.id}`} aria-label={`${day} ${text}`}>
        {number}
        <span className="recon-text">{text}</span>
        {found.state === 'done' ? (
          <span className="muted recon-lines">{t('recon.lineCount', { count: found.total_lines })}</span>
        ) : null}
      </Link>
    </li>
  );
}

/** Ask reconciles a day; today there is no bill, so WeChat is asked payout by payout. */
export function Ask({ day, account, today, again }: { day: string; account: string; today: boolean; again?: boolean }) {
  const { t } = useTranslation('money');
  const navigate = useNavigate();
  const ask = useWrite('post', '/reconcile/days', {
    invalidate: ['/reconcile'],
    done: t('recon.asked'),
    quiet: true,
    onDone: (d) => navigate(`/money/reconcile/${d.id}`),
  });
  return (
    <Danger
      danger={false}
      trigger={
        <Button
          size={again ? undefined : 'small'}
          type={again ? 'default' : 'text'}
          aria-label={`${t(again ? 'recon.again' : 'recon.ask')} ${day}`}
        >
          {t(again ? 'recon.again' : 'recon.ask')}
        </Button>
      }
      title={t('recon.askDay', { day })}
      consequence={t(today ? 'recon.askToday' : 'recon.askText')}
      confirm={t('recon.ask')}
      onConfirm={() => ask.mutateAsync({ body: { account_id: account, day } })}
    />
  );
}
