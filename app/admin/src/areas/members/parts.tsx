import { Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { spoken } from '@/i18n/server';
import { memberName } from '@/ui';

/** MemberLink leads to a member's page. */
export function MemberLink({ id }: { id: string | null | undefined }) {
  useTranslation('app'); // another language: the name is written again
  if (!id || id === '0') return <span className="muted">—</span>;
  return <Link to={`/members/${id}`}>{memberName(id)}</Link>;
}

type Key = { kind: string; scope: string; title: string; shown: string };

/** KeyTags shows what somebody is known by, masked. */
export function KeyTags({ keys }: { keys: readonly Key[] | null | undefined }) {
  if (!keys?.length) return <span className="muted">—</span>;
  return (
    <span style={{ display: 'inline-flex', flexWrap: 'wrap', gap: 4 }}>
      {keys.map((k, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: masked keys may look alike
        <Tag key={`${k.kind}/${k.scope}/${k.shown}/${i}`} title={k.scope || undefined} style={{ margin: 0 }}>
          {spoken(k.title)} {spoken(k.shown)}
        </Tag>
      ))}
    </span>
  );
}

/** left is how long is left until a moment, in whole days and hours; negative: over. */
export function left(
  until: string | null | undefined,
  now: number,
): { over: boolean; days: number; hours: number } | null {
  if (!until) return null;
  const ms = Date.parse(until) - now;
  const h = Math.floor(Math.abs(ms) / 3600_000);
  return { over: ms < 0, days: Math.floor(h / 24), hours: h % 24 };
}
