import { describe, expect, it } from 'vitest';
import { codesOf, emptyDraft, emptyTier, oddsText, sumsOf, toInput } from './draft';

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
