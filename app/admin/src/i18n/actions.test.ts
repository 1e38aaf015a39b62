// Whatever the program writes to the audit log has words: actions are read from the Go sources.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import settings from '../areas/settings/zh-CN.json';
import { actions } from './zh-CN.json';

const root = join(import.meta.dirname, '../../../..');
const sources = (dir: string): string[] =>
  readdirSync(join(root, dir), { recursive: true, encoding: 'utf8' })
    .filter((name) => /(?<!_test)\.go$/.test(name))
    .map((name) => readFileSync(join(root, dir, name), 'utf8'));
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((m) => m[1] ?? '');

/** Actions of one file of the back office: "tag.ask"; and write("copy", …) where the file
 * says "push."+name once. Words that begin with "admin." name questions, no actions. */
function actionsOf(text: string): string[] {
  const begins = /h\.write\("(\w+)\."\+name/.exec(text)?.[1];
  return [
    ...all(text, /"([a-z][a-z_-]*\.[a-z_]+)"/g).filter((a) => !a.startsWith('admin.')),
    ...(begins ? all(text, /[ \t]write\("([a-z_]+)"/g).map((a) => `${begins}.${a}`) : []),
  ];
}

/** Kinds of things that acts are done to and that have no page with a trail of its own: their
 * acts are for who may read the audit log. extract is there by itself (a person's own). */
const pageless = [
  'blocked',
  'code',
  'commission_signoff',
  'event',
  'extract',
  'group-alarm',
  'import_mapping',
  'job',
  'keyword',
  'kind',
  'phone',
  'poster_picture',
  'profile_field',
  'push_tester',
  'reach',
  'reach_holiday',
  'reach_wish',
  'sync',
  'task',
];

const areas = join(import.meta.dirname, '../areas');
const pages = readdirSync(areas, { recursive: true, encoding: 'utf8' })
  .filter((name) => /(?<!\.test)\.tsx$/.test(name))
  .map((name) => readFileSync(join(areas, name), 'utf8'));

describe('the trail of a thing', () => {
  const table =
    /func trails\(\)[\s\S]*?\n}/.exec(readFileSync(join(root, 'handler/admin/trail.go'), 'utf8'))?.[0] ?? '';
  const open = all(table, /"([a-z_-]+)": *\{operator\./g);
  it('the tables were found', () => {
    expect(open.length).toBeGreaterThan(50);
    expect(pages.length).toBeGreaterThan(200);
  });
  it('is open to who may read the thing, wherever a page shows it', () => {
    const shown = pages.flatMap((text) => [
      ...all(text, /<Trail\s+object="([^"]+)"/g),
      // Forms of rules hand the name on, jobs are called otherwise than what they make.
      ...(text.includes('<BrandRules') ? all(text, /\bobject="([^"]+)"/g) : []),
      ...all(all(text, /<Trail object=\{(\{[^}]*\})/g).join(), /'([^']+)'/g),
    ]);
    expect(shown.length).toBeGreaterThan(40);
    expect([...new Set(shown)].filter((object) => !open.includes(object))).toEqual([]);
  });
  it('is of kinds that acts are done to, all of them that have a page', () => {
    const kinds = Object.keys(settings.audit.objects);
    expect([...open, ...pageless].sort()).toEqual(kinds.sort());
  });
});

describe('actions of the audit log', () => {
  const done = new Set([
    ...sources('handler/admin').flatMap(actionsOf),
    ...['app', 'model', 'job', 'handler'].flatMap(sources).flatMap((text) => all(text, /Action: *"([^"]+)"/g)),
  ]);
  it('the sources were found', () => {
    expect(done.size).toBeGreaterThan(215);
    expect([...done]).toEqual(expect.arrayContaining(['tag.retire', 'push.copy', 'campaign.end', 'leader.approve']));
  });
  it('each has words (i18n: actions), and no words are of one that is gone', () => {
    expect([...done].map((a) => a.replace('.', '_')).sort()).toEqual(Object.keys(actions).sort());
  });
  it('each kind of thing has a name (settings: audit.objects)', () => {
    const kinds = new Set([...done].filter((a) => a !== 'codes.export').map((a) => a.replace(/\..*/, '')));
    expect([...kinds].sort()).toEqual(Object.keys(settings.audit.objects).sort());
  });
});
