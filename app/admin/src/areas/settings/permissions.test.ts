import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import texts from './zh-CN.json';

describe('permissions', () => {
  it('all have words: a table of roles in codes helps nobody', () => {
    const roles = readFileSync(join(import.meta.dirname, '../../../../../model/operator/roles.go'), 'utf8');
    const keys = [...roles.matchAll(/^\s+[A-Z]\w* += "([a-z]+:[a-z]+)"/gm)].map((m) => (m[1] ?? '').replace(':', '_'));
    expect(keys.length).toBeGreaterThan(50);
    expect(keys.filter((k) => !(k in texts.permissions))).toEqual([]);
  });
});
