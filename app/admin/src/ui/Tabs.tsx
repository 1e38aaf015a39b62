import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { useSearchParams } from 'react-router';
import { useCan } from '@/app/session';

type Named = { key: string; label: ReactNode };
type BarProps = { items: readonly Named[]; value?: string; onChange: (key: string) => void; children?: ReactNode };

/** TabBar shows one of several sides of a thing. Where they do not fit, the bar is pushed
 * aside with a finger: antd folds them into a menu inside the tab list instead, where
 * screen readers expect nothing but tabs. Arrow keys, Home and End move between them. */
export function TabBar({ items, value, onChange, children }: BarProps) {
  const id = useId();
  const bar = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const tab = value === undefined ? null : bar.current?.querySelector<HTMLElement>('[aria-selected=true]');
    // Only the bar moves: scrollIntoView would move the page, too.
    if (bar.current && tab) bar.current.scrollLeft = tab.offsetLeft - (bar.current.clientWidth - tab.clientWidth) / 2;
  }, [value]);
  const move = (e: KeyboardEvent) => {
    const at = items.findIndex((x) => x.key === value);
    const last = items.length - 1;
    const to = { ArrowRight: at < last ? at + 1 : 0, ArrowLeft: at > 0 ? at - 1 : last, Home: 0, End: last }[e.key];
    const next = to === undefined ? undefined : items[to];
    if (to === undefined || !next) return;
    e.preventDefault();
    onChange(next.key);
    bar.current?.querySelectorAll<HTMLElement>('[role=tab]')[to]?.focus();
  };
  return (
    <>
      <div className="tab-bar" role="tablist" ref={bar} onKeyDown={move}>
        {items.map((x) => (
          <button
            key={x.key}
            type="button"
            role="tab"
            id={`${id}-${x.key}`}
            aria-selected={x.key === value}
            aria-controls={x.key === value && children ? `${id}-panel` : undefined}
            tabIndex={x.key === value ? 0 : -1}
            onClick={() => onChange(x.key)}
          >
            {x.label}
          </button>
        ))}
      </div>
      {children ? (
        <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${value}`} key={value}>
          {children}
        </div>
      ) : null}
    </>
  );
}

type Tab = { key: string; label: string; permission?: string; content: () => ReactNode };

/** Tabs keeps the chosen one in the address; filters and pages of the others do not follow.
 * first is open while none is chosen, as it was when the page was opened: what is read again
 * takes nobody to another tab. Without it the first that he may see. */
export function Tabs({ tabs, first }: { tabs: readonly Tab[]; first?: string }) {
  const can = useCan();
  const [start] = useState(first);
  const [search, setSearch] = useSearchParams();
  const mine = tabs.filter((x) => !x.permission || can(x.permission));
  const of = (key: string | null | undefined) => mine.find((x) => x.key === key);
  const now = of(search.get('tab')) ?? of(start) ?? mine[0];
  return (
    <TabBar
      items={mine}
      value={now?.key}
      onChange={(tab) => {
        const brand = search.get('brand');
        setSearch({ ...(brand ? { brand } : {}), tab });
      }}
    >
      {now?.content()}
    </TabBar>
  );
}
