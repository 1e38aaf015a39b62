import { describe, expect, it } from 'vitest';
import { yesterdayOf } from './yesterday';

const days = (...numbers: [number, number][]) => numbers.map(([day, number]) => ({ day, number }));

describe('yesterday in the morning', () => {
  it('stands beside the day before and the same weekday, over the end of a month', () => {
    const list = days([20261123, 7], [20261124, 1], [20261129, 20], [20261130, 50], [20261201, 40], [20261202, 3]);
    expect(yesterdayOf(list)).toEqual({ number: 40, before: 50, week: 1 });
  });
  it('is not known without its day, and compares with nothing that is not there', () => {
    expect(yesterdayOf(days([20261201, 40], [20261202, 3]))).toEqual({ number: 40, before: null, week: null });
    expect(yesterdayOf(days([20261202, 3]))).toBeNull();
    expect(yesterdayOf(null)).toBeNull();
  });
});
