import { halfWidth } from '@/ui/money';

/** What a search word may be, in the order of the list. */
export const searches = ['phone_tail', 'phone', 'code', 'openid', 'id'] as const;
export type Search = (typeof searches)[number];

/** wordOf is a pasted word as the server takes it: without spaces, full-width signs plain. A
 * code may be a whole address, of which nothing is changed. */
export function wordOf(kind: Search, word: string): string {
  return kind === 'code'
    ? word.trim()
    : halfWidth(word).replace(/[\s\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, '');
}

const forms: Record<Search, RegExp> = {
  phone_tail: /^\d{4}$/,
  phone: /^(?:\+\d[\d-]{6,}|(?:\+?86-?)?1[\d-]{10,13})$/,
  code: /^(?:https?:\/\/.*|[0-9A-Za-z]{16})$/,
  openid: /^[A-Za-z0-9_-]{20,64}$/,
  // Six digits are how pages show a number.
  id: /^(?:\d{6}|\d{15,20})$/,
};

/** nobodyText is the text that says why nobody was found. */
export const nobodyText = (kind: Search | undefined): string =>
  kind === 'id' ? 'list.nobodyNumber' : 'list.nobodyText';

/** kindOf is what a word must be, when it cannot be what was chosen: a whole number pasted
 * where its last four digits are asked for is looked up as what it is. */
export function kindOf(chosen: Search, word: string): Search {
  const fits = (kind: Search) => forms[kind].test(wordOf(kind, word));
  if (fits(chosen)) return chosen;
  return (['phone_tail', 'phone', 'id', 'code', 'openid'] as const).find(fits) ?? chosen;
}
