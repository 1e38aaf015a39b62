import { describe, expect, it } from 'vitest';
import { dayOf, dayText, formatTime, instantOf, rangeOf, splitDuration } from './time';

describe('time', () => {
  it('is shown in Shanghai whatever the zone of the machine', () => {
    expect(formatTime('2026-11-20T16:30:09.000Z')).toBe('2026-11-21 00:30');
    expect(formatTime('2026-11-20T16:30:09.000Z', true)).toBe('2026-11-21 00:30:09');
    expect(dayOf('2026-11-20T15:59:59Z')).toBe('2026-11-20');
    expect(dayOf('2026-11-20T16:00:00Z')).toBe('2026-11-21');
  });
  it('none is nothing, rubbish too', () => {
    for (const none of [null, undefined, '', 'x']) expect(formatTime(none)).toBe('');
    expect(dayText(20261122)).toBe('2026-11-22');
    expect(dayText(0)).toBe('');
  });
  it('what is picked is a moment of Shanghai', () => {
    expect(Date.parse(instantOf('2026-11-22 18:05'))).toBe(Date.parse('2026-11-22T10:05:00Z'));
    expect(instantOf('2026-02-30')).toBe('');
    expect(instantOf('yesterday')).toBe('');
  });
  it('a range of days holds its last day', () => {
    const { from, until } = rangeOf('2026-11-01', '2026-11-30');
    expect(Date.parse(from)).toBe(Date.parse('2026-10-31T16:00:00Z'));
    expect(Date.parse(until)).toBe(Date.parse('2026-11-30T16:00:00Z'));
    expect(rangeOf('', '')).toEqual({ from: '', until: '' });
  });
  it('durations are split', () => {
    expect(splitDuration(3725)).toEqual({ hours: 1, minutes: 2, seconds: 5 });
    expect(splitDuration(-1)).toEqual({ hours: 0, minutes: 0, seconds: 0 });
  });
});
