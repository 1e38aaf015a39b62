// Who is logged in, what he may do, and what happens when that ends.
import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { call } from '@/api';
import { setSession } from '@/api/client';
import { Broken } from '@/ui/Broken';
import { Waiting } from '@/ui/Waiting';
import { granted } from './area';
import { Relogin } from './Relogin';

export type Me = {
  operator: { id: string; login: string; name: string; roles: string[] | null; totp: boolean };
  permissions: string[];
  csrf: string;
  expires_at: string;
  idle_s: number;
  /** How few people are not counted for him; 0: he sees all numbers exactly. */
  under?: number;
};

type Held = {
  me: Me;
  can: (permission?: string | readonly string[]) => boolean;
  reload: () => void;
  logOut: () => void;
};
const Context = createContext<Held | null>(null);

/** useMe is the operator who is logged in. */
export function useMe(): Held {
  const held = useContext(Context);
  if (!held) throw new Error('useMe outside of the session');
  return held;
}

/** useCan asks for a permission; a button without it is absent. */
export function useCan(): Held['can'] {
  return useMe().can;
}

/** loginAddress remembers where somebody was, so that he goes on there. */
export function loginAddress(at: { pathname: string; search: string }): string {
  const to = at.pathname + at.search;
  return to === '/' ? '/login' : `/login?to=${encodeURIComponent(to)}`;
}

/** forget drops what was read, once the pages that show it are gone: one that is still there
 * would ask again without a session. */
function forget(cache: QueryClient): void {
  setTimeout(() => cache.clear());
}

// Who logs out in one tab wants none of the others to keep his page for him.
const outKey = 'siyu.out';

/** Session asks who is logged in before anything is drawn. */
export function Session({ children }: { children: ReactNode }) {
  const [me, setMe] = useState<Me | null>(null);
  const [failed, setFailed] = useState<unknown>(null);
  const [round, setRound] = useState(0);
  const [over, setOver] = useState(false);
  const since = useRef(0);
  const navigate = useNavigate();
  const at = useLocation();
  const cache = useQueryClient();

  const leave = useCallback(() => {
    setMe(null);
    setOver(false);
    since.current = 0;
    forget(cache);
    navigate(
      loginAddress({
        pathname: window.location.pathname.replace(/^\/admin/, '') || '/',
        search: window.location.search,
      }),
      {
        replace: true,
      },
    );
  }, [cache, navigate]);

  // A session that ends under somebody's hands takes nothing away that he has filled in.
  const ended = useCallback(() => {
    const out = Number(localStorage.getItem(outKey) ?? 0);
    if (since.current && out < since.current) setOver(true);
    else leave();
  }, [leave]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: round asks again
  useEffect(() => {
    let gone = false;
    setSession('', ended);
    call('GET', '/session')
      .then((answer) => {
        if (gone) return;
        const found = (answer as { data: Me | null }).data;
        if (!found) {
          leave();
          return;
        }
        setSession(found.csrf, ended);
        since.current = Date.now();
        setMe(found);
        setFailed(null);
      })
      .catch((error) => {
        if (!gone) setFailed(error);
      });
    return () => {
      gone = true;
    };
  }, [leave, ended, round]);

  const reload = useCallback(() => setRound((n) => n + 1), []);
  const logOut = useCallback(async () => {
    try {
      await call('POST', '/logout');
    } finally {
      since.current = 0;
      localStorage.setItem(outKey, String(Date.now()));
      setMe(null);
      navigate('/login', { replace: true });
      forget(cache);
    }
  }, [cache, navigate]);

  const held = useMemo<Held | null>(
    () => me && { me, can: (wanted) => granted(me.permissions, wanted), reload, logOut: () => void logOut() },
    [me, reload, logOut],
  );
  if (failed && !held) return <Broken error={failed} again={reload} />;
  if (!held) return <Waiting key={at.key} />;
  const again = async () => {
    const found = ((await call('GET', '/session')) as { data: Me | null }).data;
    if (!found || found.operator.id !== held.me.operator.id) {
      window.location.reload(); // logged in as somebody else in another tab: not his page
      return;
    }
    setSession(found.csrf, ended);
    since.current = Date.now();
    setMe(found);
    setOver(false);
    void cache.invalidateQueries();
  };
  return (
    <Context.Provider value={held}>
      {children}
      {over ? <Relogin login={held.me.operator.login} onDone={again} onLeave={leave} /> : null}
    </Context.Provider>
  );
}

/** Given puts a known operator in place of the session: for tests of pages. */
export function Given({ me, children }: { me: Me; children: ReactNode }) {
  const held = useMemo<Held>(
    () => ({ me, can: (wanted) => granted(me.permissions, wanted), reload: () => {}, logOut: () => {} }),
    [me],
  );
  return <Context.Provider value={held}>{children}</Context.Provider>;
}
