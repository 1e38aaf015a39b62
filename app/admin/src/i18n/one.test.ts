import { describe, expect, it } from 'vitest';
import { one } from './one';

describe('one in English', () => {
  it.each([
    ['1 people', '1 person'],
    ['11 people', '11 people'],
    ['1,001 people', '1,001 people'],
    ['about 1 people (10%)', 'about 1 person (10%)'],
    ['Not activated yet: 1 codes.', 'Not activated yet: 1 code.'],
    ['1 of 3 conditions', '1 of 3 conditions'],
    ['1 batches need attention', '1 batch need attention'],
    ['at 1 this time', 'at 1 this time'],
    ['0.1 points', '0.1 points'],
    ['1 new members, 2 completed', '1 new member, 2 completed'],
  ])('%s: %s', (text, mended) => expect(one(text)).toBe(mended));
});
