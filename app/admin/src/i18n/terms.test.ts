// One word for one thing, whatever area says it: what a Chinese term is called in English.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** A label that is the term alone is one of these words. */
const labels: Record<string, RegExp> = {
  人群: /^segments?$/i,
  标签: /^tags?$/i,
  触达: /^push(es)?$/i,
  对照组: /^control group$/i,
  频控: /^caps?$/i,
  名单: /^lists?$/i,
  商品: /^products?$/i,
  码批次: /^(code )?batch(es)?$/i,
  码包: /^code packs?$/i,
  会员: /^members?$/i,
  大C: /^leaders?$/i,
  社群: /^groups?$/i,
  打款单: /^payouts?$/i,
  佣金提现: /^commission withdrawals?$/i,
  活码: /^live codes?$/i,
  积分: /^points$/i,
  渠道: /^channels?$/i,
  推荐人: /^referrer$/i,
  操作记录: /^(audit log|change history)$/i,
  退订: /^(opt-outs?|opted out)$/i,
  待审批: /^pending approval$/i,
  退回: /^(send back|returned)$/i,
  驳回: /^reject$/i,
  素材: /^materials?$/i,
  等级: /^levels?$/i,
};

/** Words that were once used for the same things, and would be second ones. */
const second =
  /\b(communit(y|ies)|crowd|packs? of codes|print packs?|give(n|s)? back|anew|join ways?|holds? good|himself|herself|he|his|him)\b/i;

type Texts = { [key: string]: string | Texts };
const src = join(import.meta.dirname, '..');
const read = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Texts;
const flat = (texts: Texts, at = ''): [string, string][] =>
  Object.entries(texts).flatMap(([key, value]) =>
    typeof value === 'string' ? [[at + key, value] as [string, string]] : flat(value, `${at}${key}.`),
  );

describe('terms', () => {
  const folders = readdirSync(join(src, 'areas')).map((area) => join(src, 'areas', area));
  const pairs = [join(src, 'i18n'), ...folders].flatMap((folder) => {
    const english = new Map(flat(read(join(folder, 'en.json'))));
    return flat(read(join(folder, 'zh-CN.json'))).map(([key, zh]) => ({
      at: `${folder.slice(src.length + 1)} ${key}`,
      zh,
      en: english.get(key) ?? english.get(`${key}_other`) ?? '',
    }));
  });
  it('the texts were found', () => expect(pairs.length).toBeGreaterThan(4_000));
  it('each has one English word', () => {
    const wrong = pairs.filter(({ zh, en }) => labels[zh] && !labels[zh].test(en));
    expect(wrong.map(({ at, zh, en }) => `${at}: ${zh} is ${labels[zh]?.source}, not ${en}`)).toEqual([]);
  });
  it('no text uses another word for it', () => {
    const own = ['faults', 'health', 'kept', 'said'].flatMap((name) =>
      flat(read(join(src, 'i18n', `${name}.json`))).map(([key, en]) => ({ at: `${name} ${key}`, en })),
    );
    expect([...pairs, ...own].filter(({ en }) => second.test(en)).map(({ at, en }) => `${at}: ${en}`)).toEqual([]);
  });
});
