import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Data } from '@/api';
import { Broken, Money, Section, Time, Waiting } from '@/ui';

type Item = NonNullable<NonNullable<Data<'get', '/home/recent'>>['items']>[number];

/** How many lines are shown at first. */
const few = 10;

/** Feed is what just happened to the brand's codes; people are four digits. */
export function Feed({ items, asOf, fault }: { items?: Item[] | null; asOf?: string | null; fault: unknown }) {
  const { t } = useTranslation('home');
  const [all, setAll] = useState(false);
  const rest = (items?.length ?? 0) - few;
  return (
    <Section
      title={t('feed.title')}
      extra={
        asOf ? (
          <span className="muted">
            {t('asOf')} <Time at={asOf} seconds />
          </span>
        ) : null
      }
    >
      {fault && !items ? <Broken error={fault} /> : null}
      {!items && !fault ? <Waiting /> : null}
      {items && items.length === 0 ? <p className="home-calm muted">{t('feed.none')}</p> : null}
      <ol className="home-feed" aria-label={t('feed.title')} data-testid="feed">
        {items?.slice(0, all ? undefined : few).map((x) => (
          <li key={x.key} className="home-happened">
            <span className={`home-kind home-kind-${x.kind}`}>{t(`feed.kinds.${x.kind}`)}</span>
            <span className="home-feed-text">
              {x.who ? t('feed.who', { who: x.who }) : t('feed.nobody')}
              {x.city ? <span className="muted"> · {x.city}</span> : null}
              {x.product ? <span className="muted"> · {x.product}</span> : null}
              {x.prize ? <> · {x.prize}</> : null}
              {x.amount_fen ? (
                <>
                  {' '}
                  <Money fen={x.amount_fen} />
                </>
              ) : null}
              {x.state ? <> · {t(`feed.states.${x.state}`)}</> : null}
            </span>
            <span className="muted home-feed-time">
              <Clock at={x.at} />
            </span>
          </li>
        ))}
      </ol>
      {rest > 0 ? (
        <Button size="small" type="text" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? t('feed.fewer') : t('feed.more', { count: rest })}
        </Button>
      ) : null}
    </Section>
  );
}

/** Clock is a time of today, with the day where it was another. */
function Clock({ at }: { at: string | null | undefined }) {
  if (!at) return null;
  const zone = 8 * 3600_000;
  const text = new Date(Date.parse(at) + zone).toISOString();
  const today = new Date(Date.now() + zone).toISOString().slice(0, 10);
  return (
    <time className="nums" dateTime={at}>
      {text.startsWith(today) ? text.slice(11, 19) : text.slice(5, 16).replace('T', ' ')}
    </time>
  );
}
