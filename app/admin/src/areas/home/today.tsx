// The first page of every morning. Nothing on it is counted when it is opened: the server
// reads what a chore counted forward, and each box says as of when.
import { AimOutlined } from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { refresh, useGet } from '@/api';
import { useBrand } from '@/app/brand';
import { Broken, Can, Page, Time, Waiting } from '@/ui';
import { Cards } from './Cards';
import { DemoNotice } from './DemoNotice';
import { Feed } from './Feed';
import './home.css';
import { Hours } from './Hours';
import { MoneyBox } from './MoneyBox';
import { Regions } from './Regions';
import { Setup } from './Setup';
import { Targets } from './Targets';
import { Todo } from './Todo';

/** How often the page asks again while somebody looks at it. */
const every = 30_000;
/** The same for what just happened: a scan is seen within seconds. */
const often = 4_000;

export function Component() {
  const { brand, loading } = useBrand();
  if (loading) return <Waiting />;
  return brand ? <Today key={brand.id} id={brand.id} name={brand.name} /> : null;
}

function Today({ id, name }: { id: string; name: string }) {
  const { t } = useTranslation('home');
  const [targets, setTargets] = useState(false);
  const asked = { params: { query: { brand_id: id } }, refetchInterval: every, keep: true };
  const home = useGet('/home', asked);
  const setup = useGet('/home/setup', asked);
  const recent = useGet('/home/recent', { ...asked, refetchInterval: often });
  useFollow(recent.data?.items?.[0]?.key);
  if (home.error && !home.data) return <Broken error={home.error} again={() => void home.refetch()} />;
  const data = home.data;
  return (
    <Page
      title={t('title')}
      about={name}
      watermark
      actions={
        <>
          {data?.as_of ? (
            <span className={late(data.as_of, recent.data?.as_of) ? 'home-late' : 'muted'} title={t('asOfText')}>
              {late(data.as_of, recent.data?.as_of) ? t('late') : null} {t('asOf')} <Time at={data.as_of} seconds />
            </span>
          ) : null}
          <Can do="home:write">
            <Button icon={<AimOutlined aria-hidden />} onClick={() => setTargets(true)}>
              {t('targets.button')}
            </Button>
          </Can>
        </>
      }
    >
      {setup.data ? <DemoNotice brandId={id} name={name} setup={setup.data} /> : null}
      <Todo brandId={id} every={every} />
      {setup.data ? <Setup brandId={id} setup={setup.data} /> : null}
      {data ? (
        <>
          <Cards home={data} />
          <div className="home-columns">
            <Hours home={data} />
            <Regions home={data} />
          </div>
        </>
      ) : (
        <Waiting />
      )}
      <div className="home-columns">
        <Can do="payout:read">
          <MoneyBox brandId={id} every={every} />
        </Can>
        <Feed items={recent.data?.items} asOf={recent.data?.as_of} fault={recent.error} />
      </div>
      {data ? (
        <Targets brandId={id} home={data} seen={home.dataUpdatedAt} open={targets} onClose={() => setTargets(false)} />
      ) : null}
    </Page>
  );
}

/** late: nobody has counted for minutes, by the server's clock, so the workers stand still. */
function late(asOf: string, now: string | null | undefined): boolean {
  return !!now && Date.parse(now) - Date.parse(asOf) > 5 * 60_000;
}

/** useFollow asks for the numbers again soon after something new happened: by then the
 * server has counted it. */
function useFollow(newest: string | undefined) {
  const cache = useQueryClient();
  const seen = useRef<string | undefined>(undefined);
  const timer = useRef(0);
  useEffect(() => {
    const first = seen.current === undefined;
    seen.current = newest ?? '';
    if (first || !newest || timer.current) return;
    timer.current = window.setTimeout(() => {
      timer.current = 0;
      void refresh(cache, ['/home']);
    }, 5_000);
  }, [newest, cache]);
  useEffect(() => () => window.clearTimeout(timer.current), []);
}
