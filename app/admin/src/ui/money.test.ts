import { describe, expect, it } from 'vitest';
import { formatCount, formatFen, halfWidth, parseCount, parseYuan, yuanText } from './money';

describe('money', () => {
  it.each([
    [0, '¥0.00'],
    [7, '¥0.07'],
    [123450, '¥1,234.50'],
    [-123450, '-¥1,234.50'],
    [100000000000, '¥1,000,000,000.00'],
    ['9007199254740993', '¥90,071,992,547,409.93'],
    [1409.6999999999998, '¥14.10'],
    [Number.NaN, '¥0.00'],
  ])('%s fen is shown as %s', (fen, text) => expect(formatFen(fen)).toBe(text));

  it.each([
    ['1234.5', 123450],
    ['1,234.50', 123450],
    ['￥１２．５', 1250],
    ['0.07', 7],
    ['12.', 1200],
    ['-3', -300],
    ['1万', 1_000_000],
    ['１．５ 万元', 1_500_000],
  ])('%s typed is %s fen', (text, fen) => expect(parseYuan(text)).toBe(fen));

  it.each(['', 'abc', '1.234', '1..2', '--1', '1e3', '12345678901234'])('%s is no amount', (text) =>
    expect(parseYuan(text)).toBeNull(),
  );

  it.each([
    ['１２，０００', '12000'],
    ['1万', '10000'],
    ['1.2万个', '12000'],
    ['5 000 个', '5000'],
    ['-3', '-3'],
    ['12.7', '12.7'],
    ['abc', 'abc'],
    ['', ''],
  ])('the count %s is read as %s', (text, n) => expect(parseCount(text)).toBe(n));

  it('an amount survives being shown and typed again', () => {
    for (let fen = -250; fen < 20_000; fen += 7) expect(parseYuan(yuanText(fen))).toBe(fen);
  });

  it('counts have separators, full-width text becomes plain', () => {
    expect(formatCount(1234567)).toBe('1,234,567');
    expect(formatCount(0)).toBe('0');
    expect(halfWidth('ＡＢ１２－（３）　。')).toBe('AB12-(3) .');
  });
});
