import { beforeEach, describe, expect, it } from 'vitest';
import {
  type Campaign,
  codesOf,
  differing,
  eachText,
  emptyDraft,
  emptyTier,
  fromCampaign,
  givesText,
  isOver,
  keep,
  kept,
  limitText,
  oddsText,
  sumsOf,
  toInput,
} from './draft';

const cash = { ...emptyTier, name: 'a', winners: 20, min_fen: 1000 };
const range = { ...emptyTier, name: 'b', winners: 800, ranged: true, min_fen: 100, max_fen: 400, total_fen: 160_000 };

describe('the table of prizes', () => {
  it('adds up to the fen and leaves the rest to those who win nothing', () => {
    const s = sumsOf([cash, range, { ...emptyTier, kind: 'points', winners: 30, points: 50 }], 1000, 0);
    expect(s).toEqual({ codes: 1000, winners: 850, rest: 150, spend: 180_000, worst: 180_000, points: 1500 });
  });
  it('knows the worst case under a cap as the server does', () => {
    expect(sumsOf([range, cash], 1000, 30).worst).toBe(20 * 1000 + 10 * 400);
  });
  it('shows too many prizes as a negative rest', () => {
    expect(sumsOf([cash], 10, 0).rest).toBe(-10);
  });
  it('counts codes of whole batches and of parts', () => {
    const counts = new Map([
      ['1', 100],
      ['2', 50],
    ]);
    expect(
      codesOf(
        [
          { batch_id: '1', from_serial: 11, until_serial: 20 },
          { batch_id: '2', from_serial: null, until_serial: null },
          { batch_id: '3', from_serial: null, until_serial: null },
        ],
        counts,
      ),
    ).toBe(60);
  });
});

describe('what one person may publish', () => {
  const t = (key: string, o: Record<string, unknown> = {}) => [key, ...Object.values(o)].join(' ');
  const limits = { approval_fen: 10_000, approval_points: 500 };
  it('has a limit in money and one in points', () => {
    expect([isOver(limits, 10_000, 500), isOver(limits, 10_001, 0), isOver(limits, 0, 501)]).toEqual([
      false,
      true,
      true,
    ]);
    expect(isOver({ ...limits, approval_fen: 0 }, 0, 0)).toBe(true);
    expect(isOver({ ...limits, approval_points: 0 }, 1, 0)).toBe(false);
  });
  it('is told in both', () => {
    expect(limitText(t, limits)).toBe('gives.either ¥100.00 500');
    expect(limitText(t, { ...limits, approval_points: 0 })).toBe('gives.noPoints ¥100.00');
    expect(limitText(t, { ...limits, approval_fen: 0 })).toBe('policy.always');
    expect([givesText(t, 100, 0), givesText(t, 0, 7), givesText(t, 100, 7)]).toEqual([
      '¥1.00',
      'gives.points 7',
      'gives.both ¥1.00 7',
    ]);
  });
});

describe('odds', () => {
  it.each([
    [1, 1000, '1/1000'],
    [325, 10_000, '3.25%'],
    [3, 1000, '≈1/333'],
    [999_999, 1_000_000, '99.99%'],
    [0, 10, '0'],
    [10, 10, '100%'],
  ])('%d of %d is %s', (w, n, text) => {
    expect(oddsText(w, n)).toBe(text);
  });
});

describe('what is sent', () => {
  it('has the exclusive end of serials and a fixed tier whose total is its product', () => {
    const sent = toInput(
      { ...emptyDraft, name: 'x', tiers: [cash], scopes: [{ batch_id: '7', from_serial: 1, until_serial: 10 }] },
      '5',
    );
    expect(sent?.scopes?.[0]).toMatchObject({ batch_id: '7', from_serial: 1, until_serial: 11 });
    expect(sent?.tiers?.[0]).toMatchObject({ min_fen: 1000, max_fen: 1000, total_fen: 20_000, points: 0 });
  });
});

describe('what one code costs', () => {
  it.each([
    [1_200_000, 1000, '¥12.000'],
    [50_000, 100_000, '¥0.005'],
    [1, 3, '¥0.003'],
    [100, 0, '—'],
  ])('%s fen over %s codes is %s', (fen, codes, text) => expect(eachText(fen, codes)).toBe(text));
});

describe('two people at one draft', () => {
  beforeEach(() => localStorage.clear());
  const theirs = { ...toInput({ ...emptyDraft, name: '甲', tiers: [cash] }, '1'), version: 4 } as unknown as Campaign;

  it('differ in the fields that they wrote differently', () => {
    const mine = fromCampaign(theirs);
    expect(differing(mine, theirs, '1')).toEqual([]);
    expect(differing({ ...mine, rules: '乙', tiers: [range] }, theirs, '1')).toEqual(['rules', 'tiers']);
  });
  it('what is kept here knows which version it changes', () => {
    keep('9', { ...emptyDraft, name: '丙' }, 4);
    expect(kept('9')).toMatchObject({ values: { name: '丙' }, version: 4 });
    expect(kept('8')).toBeNull();
    localStorage.setItem('siyu.campaign.7', '{"name":"of an older panel"}');
    expect(kept('7')).toBeNull();
  });
});
