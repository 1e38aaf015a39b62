import { Button, Checkbox, Timeline as Line } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { type Row, useList } from '@/api';
import { useCan } from '@/app/session';
import { spoken } from '@/i18n/server';
import { Broken, Empty, formatFen, formatTime, Section, StateTag, Waiting } from '@/ui';

type Chapter = Row<'/members/{id}/story'>;
type Body = Record<string, unknown>;

/** Groups of kinds, as people ask for them. */
const groups: Record<string, { kinds: string[]; permission?: string }> = {
  scan: { kinds: ['scan'] },
  claim: { kinds: ['claim'] },
  packet: { kinds: ['packet'], permission: 'payout:read' },
  points: { kinds: ['points'], permission: 'points:read' },
  order: { kinds: ['order', 'review', 'coupon'] },
  referral: { kinds: ['referral', 'not_referred', 'lead'] },
  message: { kinds: ['message_sent', 'message_lost', 'message_opened', 'message_clicked', 'follow', 'unfollow'] },
  other: { kinds: ['login', 'merge', 'custom'] },
};
const colours: Record<string, string> = {
  packet: 'red',
  claim: 'orange',
  points: 'gold',
  scan: 'blue',
  merge: 'purple',
  lead: 'purple',
  order: 'green',
};

/** Timeline is what happened to a member, newest first, from all tables. */
export function Timeline({ id }: { id: string }) {
  const { t } = useTranslation('members');
  const may = useCan();
  const names = Object.keys(groups).filter((g) => !groups[g]?.permission || may(groups[g].permission));
  const [on, setOn] = useState<string[]>([]);
  const [cursor, setCursor] = useState('');
  const [rows, setRows] = useState<Chapter[]>([]);
  const kinds = on.flatMap((g) => groups[g]?.kinds ?? []).join(',');
  const { data, error, isFetching, refetch } = useList('/members/{id}/story', {
    params: { path: { id }, query: { kinds, before: cursor, limit: 30 } as object },
  });
  useEffect(() => {
    if (!data || isFetching) return;
    const got = data.data ?? [];
    setRows((old) =>
      cursor ? [...old.filter((o) => !got.some((g) => g.id === o.id && g.kind === o.kind)), ...got] : got,
    );
  }, [data, isFetching, cursor]);
  let day = '';
  return (
    <Section
      title={t('tab.story')}
      extra={
        <fieldset style={{ border: 0, margin: 0, padding: 0, display: 'flex', flexWrap: 'wrap', gap: 8 }}>
          <legend style={{ position: 'absolute', clip: 'rect(0 0 0 0)' }}>{t('story.filter')}</legend>
          {names.map((g) => (
            <Checkbox
              key={g}
              checked={on.includes(g)}
              onChange={(e) => {
                setCursor('');
                setOn(e.target.checked ? [...on, g] : on.filter((x) => x !== g));
              }}
            >
              {t(`story.group.${g}`)}
            </Checkbox>
          ))}
        </fieldset>
      }
    >
      {error && !data ? <Broken error={error} again={() => void refetch()} /> : null}
      {!data && !error ? <Waiting height={160} /> : null}
      {data && rows.length === 0 && !isFetching ? (
        <Empty title={on.length ? t('story.noneOfKind') : t('story.empty')} text={t('story.emptyText')} />
      ) : null}
      <Line
        items={rows.map((c) => {
          const at = formatTime(c.at, true);
          const today = at.slice(0, 10);
          const first = today !== day;
          day = today;
          return {
            key: `${c.kind}${c.id}`,
            color: colours[c.kind] ?? 'gray',
            content: (
              <div>
                {first ? <div style={{ fontWeight: 600, marginBottom: 4 }}>{today}</div> : null}
                <span className="nums muted">{at.slice(11)}</span> <Told chapter={c} />
              </div>
            ),
          };
        })}
      />
      {data?.next ? (
        <Button loading={isFetching} onClick={() => setCursor(data.next)}>
          {t('story.more')}
        </Button>
      ) : null}
    </Section>
  );
}

/** Told is one chapter in a sentence. */
function Told({ chapter: c }: { chapter: Chapter }) {
  const { t } = useTranslation('members');
  const b = (c.body ?? {}) as Body;
  const text = (k: string) => String(b[k] ?? '');
  const place = [spoken(text('province')), text('city')].filter((x, i, all) => x && all.indexOf(x) === i).join(' ');
  switch (c.kind) {
    case 'scan':
      return (
        <>
          {t('story.scan', { verdict: t(`story.verdict.${text('verdict')}`, { defaultValue: text('verdict') }) })}
          {place ? <span className="muted"> {place}</span> : null}
        </>
      );
    case 'claim':
      return (
        <>
          {Number(b.cash_fen) > 0
            ? t('story.claimCash', { prize: text('prize'), money: formatFen(Number(b.cash_fen)) })
            : t('story.claim', { prize: text('prize') })}
        </>
      );
    case 'packet':
      return (
        <>
          <Link to={`/money/payouts/${c.id}`}>
            {t(b.purpose === 'withdrawal' ? 'story.withdrawal' : 'story.packet', {
              money: formatFen(Number(b.amount_fen)),
            })}
          </Link>{' '}
          <StateTag state={text('state')} />
        </>
      );
    case 'points':
      return (
        <>
          {spoken(text('memo')) || t('story.points')}{' '}
          <strong className="nums">{Number(b.points) > 0 ? `+${b.points}` : text('points')}</strong>
        </>
      );
    case 'order':
      return (
        <>
          {t(b.refund_no ? 'story.refund' : 'story.order', {
            no: text('order_no'),
            money: formatFen(Number(b.amount_fen)),
          })}
        </>
      );
    case 'merge':
      return <>{t(b.state === 'undone' ? 'story.parted' : 'story.merged', { confidence: text('confidence') })}</>;
    case 'lead':
      return (
        <>
          {t('story.lead', {
            to: t(`story.leader.${text('to')}`, { defaultValue: text('to') }),
            reason: spoken(text('reason')),
          })}
        </>
      );
    case 'custom':
      return <>{t('story.custom', { name: text('name') })}</>;
    default:
      return (
        <>
          {c.lost ? (
            <del>{t(`story.kind.${c.kind}`, { defaultValue: c.kind })}</del>
          ) : (
            t(`story.kind.${c.kind}`, { defaultValue: c.kind })
          )}{' '}
          <span className="muted">
            {c.channel ? t(`story.channel.${c.channel}`, { defaultValue: c.channel }) : ''}
            {c.lost ? ` ${t('story.lost')}` : ''}
          </span>
        </>
      );
  }
}
