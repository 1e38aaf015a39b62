// Whatever the search finds says its state in the words of its own page: kinds and states are
// read from the Go sources.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import i18n, { setLanguage } from '@/i18n';
import { stateOf, words } from './states';

const root = join(import.meta.dirname, '../../../../../..');

/** constants are the values of the list of constants in which a name is. */
function constants(file: string, name: string): string[] {
  const text = readFileSync(join(root, 'model', file), 'utf8');
  const list = text.match(/const \([\s\S]*?\n\)/g)?.find((x) => new RegExp(`\\b${name}\\s+= "`).test(x)) ?? '';
  return [...list.matchAll(/= "([a-z_]+)"/g)].map((m) => m[1] ?? '');
}

const states: Record<string, [file: string, name: string]> = {
  member: ['member/member.go', 'Erased'],
  code: ['code/code.go', 'Activated'],
  leader: ['leader/leader.go', 'Suspended'],
  group: ['group/group.go', 'Full'],
  campaign: ['campaign/stage.go', 'StageRunning'],
  payout: ['redpacket/redpacket.go', 'Settled'],
  withdrawal: ['withdrawal/withdrawal.go', 'Paying'],
  operator: ['operator/operator.go', 'Disabled'],
  tag: ['tag/tag.go', 'Retired'],
  segment: ['segment/segment.go', 'Archived'],
  push: ['push/push.go', 'Missed'],
};

describe('states of what is found', () => {
  it('every kind has its words, but for those without a state', () => {
    const kinds = constants('find/find.go', 'Withdrawal');
    expect(kinds).toContain('campaign');
    expect(kinds.filter((k) => k !== 'product' && k !== 'batch').sort()).toEqual(Object.keys(words).sort());
    expect(Object.keys(states).sort()).toEqual(Object.keys(words).sort());
  });
  it.each(Object.entries(states))('%s', async (kind, [file, name]) => {
    const found = constants(file, name);
    expect(found.length).toBeGreaterThan(1);
    for (const lng of ['en', 'zh-CN'] as const) {
      await setLanguage(lng);
      for (const state of found) {
        const text = stateOf(i18n.t, { kind, state });
        expect(text, `${lng} ${kind} ${state}`).toMatch(lng === 'en' ? /^[A-Z]/ : /^[\u4e00-\u9fff]/);
      }
    }
  });
  it('a leader is called as on his page', () => {
    expect(stateOf(i18n.t, { kind: 'leader', state: 'active' })).toBe(i18n.t('leaders:leaderState.active'));
  });
});
