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
