import { formatCount } from '@/ui';

const colours: Record<string, string> = {
  activated: '#389e0d',
  issued: '#bfbfbf',
  recalled: '#d46b08',
  voided: '#cf1322',
};
const order = ['activated', 'issued', 'recalled', 'voided'];

/** Share draws how many codes are in which state, and says it. */
export function Share({
  counts,
  total,
  words,
}: {
  counts: Record<string, number>;
  total: number;
  words: Record<string, string>;
}) {
  const there = order.filter((s) => counts[s]);
  return (
    <div style={{ minWidth: 160 }}>
      <div
        aria-hidden
        style={{ display: 'flex', height: 6, borderRadius: 3, overflow: 'hidden', background: '#f0f0f0' }}
      >
        {there.map((s) => (
          <div key={s} style={{ width: `${((counts[s] ?? 0) / Math.max(total, 1)) * 100}%`, background: colours[s] }} />
        ))}
      </div>
      <div style={{ fontSize: 12 }}>
        {there.map((s) => (
          <span key={s} className="nums" style={{ marginInlineEnd: 8 }}>
            <span aria-hidden style={{ color: colours[s] }}>
              ■
            </span>{' '}
            {words[s]} {formatCount(counts[s] ?? 0)}
          </span>
        ))}
      </div>
    </div>
  );
}
