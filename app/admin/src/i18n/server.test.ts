// What the back office says in Chinese has its English: codes are read from the Go sources,
// as they stand beside their Chinese texts.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import pushes from '../areas/pushes/en.json';
import { setLanguage } from '.';
import english from './faults.json';
import health from './health.json';
import kept from './kept.json';
import said from './said.json';
import { spoken } from './server';

const root = join(import.meta.dirname, '../../../..');

/** sources are the Go files of one package. */
function sources(pkg: string): string[] {
  const dir = join(root, pkg);
  if (!existsSync(dir)) return [];
  return readdirSync(dir)
    .filter((name) => /(?<!_test)\.go$/.test(name))
    .map((name) => readFileSync(join(dir, name), 'utf8'));
}

/** below are a package and all of ours that it imports: what it may answer is made there. */
function below(pkg: string, seen = new Set<string>()): Set<string> {
  if (seen.has(pkg)) return seen;
  seen.add(pkg);
  for (const text of sources(pkg))
    for (const m of text.matchAll(/^\s*(?:\w+ )?"siyu\/([\w/]+)"$/gm)) below(m[1] ?? '', seen);
  return seen;
}

/** New(kind, "code", …), NewInvalid("code", …), Invalidf("code", …) and Code: "code", Text: …
 * A code that is put together at run time is not seen; it is told in Chinese, and says so. */
const made =
  /fault\.(?:New\(\s*[\w.]+,\s*|NewInvalid\(\s*|Invalidf\(\s*)"([a-z0-9_]+)"\s*,|Code:\s*"([a-z0-9_]+)", Text:/g;

describe('faults in English', () => {
  const server = new Map<string, string>();
  for (const pkg of below('handler/admin')) {
    for (const text of sources(pkg)) for (const m of text.matchAll(made)) server.set(m[1] ?? m[2] ?? '', pkg);
  }
  const texts: Record<string, string> = english;
  it('the sources were found', () => {
    expect(server.size).toBeGreaterThan(400);
  });
  it('each code that the server may answer has a text (add it to i18n/faults.json)', () => {
    expect([...server].filter(([code]) => !texts[code]).map(([code, pkg]) => `${code} in ${pkg}`)).toEqual([]);
  });
  it('the texts are English', () => {
    expect(Object.entries(texts).filter(([, text]) => !text || /[\u3400-\u9fff]/.test(text))).toEqual([]);
  });
});

describe('the health of accounts in English', () => {
  const text = sources('model/health').join('\n');
  const codes = (pattern: RegExp) => [...new Set([...text.matchAll(pattern)].map((m) => m[1] ?? ''))].sort();
  const keys = (texts: object) => Object.keys(texts).sort();
  it('each check, word, cure and interface has a text, and no text is of one that is gone', () => {
    expect(keys(health.text)).toEqual(codes(/\.tell\(\w+, "(\w+)"/g));
    expect(keys(health.cure)).toEqual(codes(/remedy\{"(\w+)"/g));
    expect(keys(health.title).filter((name) => name !== 'callback')).toEqual(codes(/Check\{Name: "(\w+)"/g));
    const named = codes(/"([\w./-]+)": "[^"]*[\u3400-\u9fff_][^"]*"/g).filter((name) => /[/.]/.test(name));
    expect(keys(health.call).filter((name) => name !== 'callback')).toEqual(
      named.map((name) => name.replace(/[/.]/g, '_')).sort(),
    );
  });
});

describe('sentences in English', () => {
  const texts: Record<string, string> = said;
  const here = ['push', 'holdout'].flatMap((name) => sources(`model/${name}`)).join('\n');
  const codes = (pattern: RegExp, text = here) =>
    [...text.matchAll(pattern)].map((m) => [m[1] ?? '', m[2] ?? ''] as const);
  const ofTags = sources('model/tag').join('\n');
  const sentences = /(?:say\.Of|say\.NewPattern|add|with)\(\s*"([a-z_]+)",\s*"([^"]*)"/g;
  const patterns = [...codes(sentences), ...codes(sentences, ofTags)];
  const holes = (text: string, open: string, close: string) =>
    [...text.matchAll(new RegExp(`${open}(\\w+)${close}`, 'g'))].map((m) => m[1]);
  it('the sources were found', () => expect(patterns.length).toBeGreaterThan(40));
  it('each sentence has one, of no other parts (add it to i18n/said.json)', () => {
    const wrong = patterns.filter(([code, chinese]) => {
      const own = holes(chinese, '\\{', '\\}');
      if (/^measure_/.test(code)) own.push('name', 'unit');
      return !texts[code] || holes(texts[code], '\\{\\{', '\\}\\}').some((name) => !own.includes(name));
    });
    expect(wrong).toEqual([]);
  });
  it('each thing that somebody may have done has one', () => {
    const acts = codes(/^\t"([a-z_]+)": +"/gm, /var acts = [\s\S]*?\n}/.exec(ofTags)?.[0]);
    expect(acts.length).toBeGreaterThan(12);
    expect(acts.map(([code]) => `act_${code}`).filter((code) => !texts[code])).toEqual([]);
  });
  it('each part of a sentence has one', () => {
    const words = codes(/say\.Word\{Key: "([a-z_]+)", Text/g).map(([code]) => code);
    const ofLedger = sources('model/reach').join('\n');
    const constants = new Map(codes(/(\w+)\s*=\s*"([a-z_]+)"/g));
    for (const [name, of] of codes(/^\t(\w+) += reach\.(\w+)$/gm))
      constants.set(name, new Map(codes(/(\w+)\s*=\s*"([a-z_]+)"/g, ofLedger)).get(of) ?? '');
    const own = codes(/^\t("?\w+"?): +"[^"]*[\u3400-\u9fff]/gm).map(([key]) =>
      key.startsWith('"') ? key.slice(1, -1) : (constants.get(key) ?? ''),
    );
    const ledger = codes(/^\t(\w+) += "([a-z_]+)"/gm, ofLedger).map(([, code]) => code);
    expect(own.length).toBeGreaterThan(12);
    expect(words.length).toBeGreaterThan(4);
    expect([...words, ...own.map((code) => `reason_${code}`)].filter((code) => !texts[code])).toEqual([]);
    const why: Record<string, string> = pushes.why;
    const told = /func Words\(\)[\s\S]*?\n}/.exec(ofLedger)?.[0] ?? '';
    expect(Object.keys(why).filter((code) => !ledger.includes(code))).toEqual([]);
    expect(Object.keys(why).length).toBe([...told.matchAll(/^\t\t\{/gm)].length);
  });
});

describe('texts of the server without a code', () => {
  const everywhere = (dir: string): string =>
    readdirSync(join(root, dir), { recursive: true, encoding: 'utf8' })
      .filter((name) => /(?<!_test)\.go$/.test(name))
      .map((name) => readFileSync(join(root, dir, name), 'utf8'))
      .join('\n');
  const go = ['model', 'job', 'handler/admin'].map(everywhere).join('\n');
  it('are still said: a text that is gone or changed is not kept here', () => {
    const runs = (text: string) => text.match(/[\u3400-\u9fff]{2,}/g) ?? [];
    expect(Object.keys(kept).filter((key) => runs(key).some((run) => !go.includes(run)))).toEqual([]);
  });
  it('are English, with each part that differs', () => {
    const wrong = Object.entries(kept).filter(([key, text]) => {
      const holes = key.split('{}').length - 1;
      const used = new Set([...text.matchAll(/\{(\d)\}/g)].map((m) => Number(m[1])));
      return used.size !== holes || Math.max(0, ...used) !== holes;
    });
    expect(wrong).toEqual([]);
  });
  it('are found with their parts, and what somebody typed is left alone', async () => {
    await setLanguage('en');
    expect(spoken('红包已中出 SY2026')).toBe('Red packet won SY2026');
    expect(spoken('最接近真人的编号是手机号（已验证）')).toBe(
      'The identity closest to a real person is Phone (verified)',
    );
    expect(spoken('送给老客户的')).toBe('送给老客户的');
    await setLanguage('zh-CN');
    expect(spoken('红包已中出 SY2026')).toBe('红包已中出 SY2026');
  });
});
