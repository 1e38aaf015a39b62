// What the server says, it says in Chinese, beside a code that stays. English is kept here
// by code: faults.json, health.json and said.json, loaded with the other English. What has no
// code, because it is kept as text (memos, evidence) or is a name that came with the program,
// is known by its Chinese in kept.json: {} there is what differs, {1} the first of it.
import i18n from '.';

/** ofServer is what the server said: its own words in Chinese; in English those of its code,
 * undefined where there are none. Slashes and dots of a code are underscores in the files. */
export function ofServer(
  ns: 'faults' | 'health' | 'said',
  code: string,
  said: string,
  facts: Record<string, unknown> = {},
): string | undefined {
  if (i18n.language === 'zh-CN') return said;
  const known = i18n.exists(code, { ns, lng: i18n.language, fallbackLng: [] });
  return known ? i18n.t(code, { ns, ...facts }) : undefined;
}

type Said = {
  code: string;
  text: string;
  args: Readonly<Record<string, string>>;
  words: Readonly<Record<string, string>>;
};

/** Words that pages say, too: why somebody cannot be reached, channels, states of pushes. */
const elsewhere: Record<string, string> = { reason: 'why', channel: 'channel', push: 'state' };

/** wordOf is a part of a sentence in English; undefined where there is none. */
function wordOf(code: string): string | undefined {
  const own = { ns: 'said', lng: 'en', fallbackLng: [] };
  if (i18n.exists(code, own)) return i18n.t(code, own);
  const [, kind = '', name = ''] = /^([a-z]+)_(.+)$/.exec(code) ?? [];
  const key = `${elsewhere[kind]}.${name}`;
  const there = { ns: 'pushes', lng: 'en', fallbackLng: [] };
  return i18n.exists(key, there) ? i18n.t(key, there) : undefined;
}

/** sentence is what the server said (model/say): in Chinese as it said it, in English put
 * together by its code. What has no English stays as it is, and says so. */
export function sentence(said: Said): string {
  if (i18n.language === 'zh-CN') return said.text;
  const facts: Record<string, string> = { ...said.args };
  for (const [name, code] of Object.entries(said.words)) {
    const word = wordOf(code);
    if (word === undefined) return original(said.text);
    facts[name] = word;
  }
  const text = ofServer('said', said.code, said.text, facts);
  if (text === undefined) return original(said.text);
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  const about = facts.with ? i18n.t('said.between', { ns: 'app', ...facts, text: begun }) : begun;
  return facts.last_code ? i18n.t('said.lastCode', { ns: 'app', text: about, code: facts.last_code }) : about;
}

/** reason is why somebody cannot be reached (model/reach), as the operator reads. */
export function reason(code: string, said: string): string {
  return i18n.language === 'zh-CN' ? said : (wordOf(`reason_${code}`) ?? original(said));
}

/** original marks words that have no English. */
export function original(said: string): string {
  return i18n.t('errors.original', { ns: 'app', text: said });
}

const han = /[\u3400-\u9fff]/;
type Shape = { shape: RegExp; text: string };
let shapes: Shape[] | undefined;

/** shapesOf are the sentences of kept.json with parts that differ, the longest first. */
function shapesOf(texts: Record<string, string>): Shape[] {
  return Object.keys(texts)
    .filter((key) => key.includes('{}'))
    .sort((a, b) => b.length - a.length)
    .map((key) => ({
      shape: new RegExp(`^${key.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll('{}', '([^]+?)')}$`),
      text: texts[key] ?? '',
    }));
}

/** spoken is a text of the server without a code, as the operator reads: what kept.json does
 * not know was typed by somebody and stays as it is. */
export function spoken(text: string | null | undefined): string {
  if (!text || i18n.language === 'zh-CN' || !han.test(text)) return text ?? '';
  const texts = i18n.getResourceBundle('en', 'kept') as Record<string, string> | undefined;
  if (!texts) return text;
  const whole = texts[text];
  if (whole !== undefined) return whole;
  shapes ??= shapesOf(texts);
  for (const { shape, text: english } of shapes) {
    const parts = shape.exec(text);
    if (!parts) continue;
    const own = parts.slice(1).map((part) => part.trim());
    const read = own.map(spoken);
    // Brackets and commas alone say nothing: only around words that are known.
    if (!han.test(shape.source) && read.every((part, i) => part === own[i])) continue;
    return english.replace(/\{(\d)\}/g, (_, n) => read[Number(n) - 1] ?? '');
  }
  return text;
}
