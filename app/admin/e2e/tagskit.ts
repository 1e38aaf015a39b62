// What tags.spec.ts needs beside its clicks: a model that writes from outside, and tags that
// run already.
import type { Page } from '@playwright/test';
import type { Market, Moved } from './audiencekit';
import { get, type Key, speak } from './deedskit';
import { api } from './test';

export type Made = { id: string; name: string; rev: number };

export const made = (m: Market, id: string) => get<Made>(m, `/tags/${id}`);

/** A partner's key, and how its computation writes scores. */
export async function model(
  m: Market,
  server: Moved,
  tag: string,
): Promise<(version: number, scores: object[]) => Promise<{ written: number; failed: number }>> {
  const { page, site, brand } = m;
  const key = await api<Key>(page, site, 'POST', '/apikeys', {
    brand_id: brand,
    name: '算法平台',
    permissions: ['scores:write'],
    person_kinds: ['phone'], // who it may make; everybody it may name,
    per_minute: 0,
    reason: '模型写分',
  });
  return (version, scores) =>
    speak(site, key, server.now().getTime(), 'PUT', `/tags/${tag}/scores`, { version, scores });
}

/** approved makes a tag that runs, without the pages; other is the second person. */
export async function approved(
  m: Market,
  other: Page,
  name: string,
  kind: string,
  definition: object,
  more: object = {},
): Promise<Made> {
  const { page, site, brand } = m;
  const me = await get<{ operator: { id: string } }>(m, '/session');
  const empty = { source: kind, choices: [], field: '', event_type: '', cases: [] };
  const t = await api<Made>(page, site, 'POST', '/tags', {
    brand_id: brand,
    rev: 0,
    class: 'activity',
    category_id: null,
    name,
    kind,
    purpose: '决定先联系谁',
    intended_use: '回访名单',
    owner_id: me.operator.id,
    sensitive: false,
    roles: [],
    ttl_days: 0,
    refresh_minutes: kind === 'rule' ? 1440 : 0,
    review_days: 90,
    idle_days: 7,
    ...more,
  });
  await api(page, site, 'PUT', `/tags/${t.id}/definition`, { rev: t.rev, definition: { ...empty, ...definition } });
  const sent = await api<Made>(page, site, 'POST', `/tags/${t.id}/submit`, { rev: t.rev + 1 });
  await api(other, site, 'POST', `/tags/${t.id}/approve`, { rev: sent.rev, note: '' });
  return made(m, t.id);
}
