import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const src = join(import.meta.dirname, '..');

function under(dir: string): string[] {
  return readdirSync(dir).flatMap((name) => {
    const path = join(dir, name);
    return statSync(path).isDirectory() ? under(path) : [path];
  });
}

function keysOf(value: unknown, prefix = ''): string[] {
  if (typeof value !== 'object' || value === null) return [prefix];
  return Object.entries(value).flatMap(([k, v]) => keysOf(v, prefix ? `${prefix}.${k}` : k));
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

/** i18next's plurals: an English key may have _one and _other for one Chinese key. */
const bare = (key: string) => key.replace(/_(one|other)$/, '');
const han = /[\u3400-\u9fff]/;
/** A half-width bracket that holds Chinese or stands beside it. */
const halfBrackets = /[\u3400-\u9fff]\s?[()]|[()]\s?[\u3400-\u9fff]/;
const marks = /[、，。：；（）]/;
const files = under(src);
const read = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as unknown;

describe('texts', () => {
  const chinese = files.filter((f) => f.endsWith('zh-CN.json'));
  it.each(chinese.map((f) => [relative(src, f), f]))('%s has the same keys as its English', (_, file) => {
    const keys = (f: string) => [...new Set(keysOf(read(f)).map(bare))].sort();
    const zh = keys(file);
    const en = keys(file.replace('zh-CN.json', 'en.json'));
    expect({ onlyChinese: zh.filter((k) => !en.includes(k)), onlyEnglish: en.filter((k) => !zh.includes(k)) }).toEqual({
      onlyChinese: [],
      onlyEnglish: [],
    });
  });
  it.each(chinese.map((f) => [relative(src, f), f]))('%s: its English is English', (_, file) => {
    const left = textsOf(read(file.replace('zh-CN.json', 'en.json'))).filter((t) => han.test(t) && t !== '中文');
    expect(left).toEqual([]);
  });
  it.each([...chinese, join(src, 'i18n/kept.json')].map((f) => [relative(src, f), f]))(
    '%s has full-width brackets beside Chinese',
    (_, file) => {
      const said = file.endsWith('kept.json') ? Object.keys(read(file) as object) : textsOf(read(file));
      expect(said.filter((text) => halfBrackets.test(text))).toEqual([]);
    },
  );
  it.each(chinese.map((f) => [relative(src, f), f]))('%s quotes with “”', (_, file) => {
    expect(textsOf(read(file)).filter((text) => /[「」]/.test(text))).toEqual([]);
  });
  it('no page has Chinese of its own: it could not be translated (punctuation: i18n/marks.ts)', () => {
    const found = files
      .filter((f) => /\.tsx?$/.test(f) && !/\.test\.tsx?$/.test(f) && !/schema\.d\.ts|i18n\/marks\.ts/.test(f))
      .flatMap((f) =>
        readFileSync(f, 'utf8')
          .split('\n')
          .map((line, i) => ({
            line: line.replace(/\/\^.*\$\//g, '').replace(/\/\/.*$|\/\*.*?(\*\/|$)|^\s*\*.*$/g, ''),
            at: `${relative(src, f)}:${i + 1}`,
          }))
          .filter(
            ({ line }) => han.test(line) || marks.test(line.replace(/mark\('.'\)|tokenSeparators=.*|split\(.*/g, '')),
          )
          .map(({ at, line }) => `${at} ${line.trim()}`),
      );
    expect(found).toEqual([]);
  });
});
