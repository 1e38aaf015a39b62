import { InfoCircleOutlined } from '@ant-design/icons';
import { Button, Progress, Tooltip } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useGet } from '@/api';
import { Broken, Money, Section, StateTag, Time, Waiting } from '@/ui';

/** How many campaigns are shown at first. */
const few = 6;

/** MoneyBox is where the brand's money is: set aside, won, paid, come back; and of each
 * campaign that runs, how much is left. */
export function MoneyBox({ brandId, every }: { brandId: string; every: number }) {
  const { t } = useTranslation('home');
  const [all, setAll] = useState(false);
  const { data, error, refetch } = useGet('/home/money', {
    params: { query: { brand_id: brandId } },
    refetchInterval: every,
    keep: true,
  });
  if (error && !data) return <Broken error={error} again={() => void refetch()} />;
  const flows = (data?.flows ?? []).filter((f) => ['reserved', 'paid', 'returned'].includes(f.key ?? ''));
  const campaigns = data?.campaigns ?? [];
  const rest = campaigns.length - few;
  return (
    <Section
      title={t('money.title')}
      extra={
        data ? (
          <span className="muted">
            {t('asOf')} <Time at={data.as_of} />
          </span>
        ) : null
      }
    >
      {data ? null : <Waiting />}
      <dl className="home-flows">
        {flows.map((f) => (
          <div key={f.key}>
            <dt className="muted">
              {t(`money.flows.${f.key}`)}{' '}
              <Tooltip title={t(`money.about.${f.key}`)}>
                <InfoCircleOutlined tabIndex={0} aria-label={t(`money.about.${f.key}`)} />
              </Tooltip>
            </dt>
            <dd>
              <strong>
                <Money fen={f.today_fen} />
              </strong>
              <span className="muted">
                {t('money.all')} <Money fen={f.all_fen} />
              </span>
            </dd>
          </div>
        ))}
        {data ? (
          <div>
            <dt className="muted">
              {t('money.flows.way')}{' '}
              <Tooltip title={t('money.about.way')}>
                <InfoCircleOutlined tabIndex={0} aria-label={t('money.about.way')} />
              </Tooltip>
            </dt>
            <dd>
              <strong>
                <Money fen={data.way_fen} />
              </strong>
              <span className="muted">{t('money.wayNote')}</span>
            </dd>
          </div>
        ) : null}
      </dl>
      {data && campaigns.length === 0 ? <p className="home-calm muted">{t('money.none')}</p> : null}
      <ul className="home-budgets">
        {campaigns.slice(0, all ? undefined : few).map((c) => (
          <li key={c.id}>
            <div className="home-target-line">
              <span className="home-ellipsis">
                <Link to={`/campaigns/${c.id}`}>{c.name}</Link> <StateTag state={stage(c.state)} />
              </span>
              <span className="home-left">
                {t('money.left')} <Money fen={c.left_fen} />
              </span>
            </div>
            <Progress
              percent={c.spend_fen ? Math.min(100, Math.round(((c.won_fen ?? 0) / c.spend_fen) * 100)) : 0}
              size="small"
              aria-label={t('money.used', { name: c.name })}
            />
            <div className="home-target-line muted">
              <span>
                {t('money.budget')} <Money fen={c.spend_fen} /> · {t('money.todayWon')} <Money fen={c.today_fen} />
              </span>
              <span>
                {t('money.until')} <Time at={c.until_at} />
              </span>
            </div>
          </li>
        ))}
      </ul>
      {rest > 0 ? (
        <Button size="small" type="text" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? t('money.fewer') : t('money.rest', { count: rest })}
        </Button>
      ) : null}
      {data?.more && (all || rest <= 0) ? <Link to="/campaigns">{t('money.more')}</Link> : null}
    </Section>
  );
}

/** stage is a campaign's state in the panel's words for all things that run. */
function stage(state: string | undefined): string {
  return state === 'published' ? 'running' : (state ?? '');
}
