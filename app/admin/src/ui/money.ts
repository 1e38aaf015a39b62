// Money is a whole number of fen everywhere but on the screen. No floats: 0.07 * 100 is
// not 7.

/** formatFen writes 123450 as ¥1,234.50. */
export function formatFen(fen: number | string | null | undefined): string {
  if (fen === null || fen === undefined || fen === '') return '';
  // A sum may be made of what somebody is just typing: 12. and 12.7 pieces must not end the page.
  const n = typeof fen === 'number' ? BigInt(Number.isFinite(fen) ? Math.round(fen) : 0) : BigInt(fen);
  const abs = n < 0n ? -n : n;
  const yuan = (abs / 100n).toString().replace(/\B(?=(\d{3})+$)/g, ',');
  return `${n < 0n ? '-' : ''}¥${yuan}.${(abs % 100n).toString().padStart(2, '0')}`;
}

/** parseYuan reads what a person types (1,234.5, ￥１２．５, 1.5万) as fen; null if it is no amount. */
export function parseYuan(text: string): number | null {
  const plain = plainYuan(text);
  const m = /^(-?)0*(\d{1,12})(?:\.(\d{0,2}))?$/.exec(plain);
  if (!m) return null;
  const fen = Number(m[2]) * 100 + Number((m[3] ?? '').padEnd(2, '0') || '0');
  return m[1] ? -fen : fen;
}

/** The largest amount that parseYuan reads, in fen. */
export const LARGEST = 99_999_999_999_999;

/** Why the text of an amount is not taken. */
export type Unread = 'decimals' | 'huge' | 'negative' | 'none';

/** unreadYuan says why a text is no amount that can be paid; null for one that is. */
export function unreadYuan(text: string): Unread | null {
  const plain = plainYuan(text);
  if (!/^-?\d+(\.\d*)?$/.test(plain)) return 'none';
  if (plain.startsWith('-')) return 'negative';
  if (plain.replace(/\..*|^0+/g, '').length > 12) return 'huge';
  return parseYuan(text) === null ? 'decimals' : null;
}

function plainYuan(text: string): string {
  return tenThousands(halfWidth(text).replace(/[,\u00a5\uffe5\u5143\s]/g, ''));
}

/** parseCount reads what a person types (１２，０００, 1.2万, 5 000 个) as the text of a number; what
 * is none comes back as it is. */
export function parseCount(text: string): string {
  return tenThousands(
    halfWidth(text)
      .replace(/[,\s]/g, '')
      .replace(/^(.*\d万?)[个次份件张瓶分人天日月年级%]$/, '$1'),
  );
}

/** tenThousands writes 1.2万 as 12000: who says 万 must not have typed 1. */
function tenThousands(plain: string): string {
  const m = /^(-?)(\d{1,12})(?:\.(\d{1,4}))?万$/.exec(plain);
  return m ? `${m[1]}${BigInt((m[2] ?? '') + (m[3] ?? '').padEnd(4, '0'))}` : plain;
}

/** yuanText is what an input shows: 1234.50. */
export function yuanText(fen: number | null | undefined): string {
  if (fen === null || fen === undefined) return '';
  const abs = Math.abs(fen);
  return `${fen < 0 ? '-' : ''}${Math.floor(abs / 100)}.${String(abs % 100).padStart(2, '0')}`;
}

/** formatCount writes 12345 as 12,345. */
export function formatCount(n: number | null | undefined): string {
  if (n === null || n === undefined) return '';
  return String(n).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** halfWidth turns the full-width letters and punctuation of a Chinese keyboard into plain
 * ones: ＡＢ１２－（） becomes AB12-(). */
export function halfWidth(text: string): string {
  return text
    .replace(/[\uff01-\uff5e]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0))
    .replace(/\u3000/g, ' ')
    .replace(/\u3002/g, '.');
}
