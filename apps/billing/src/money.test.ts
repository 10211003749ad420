import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { priceOf, sum, toSafeNumber } from './money.ts';

describe('the price of a quantity', () => {
  it.each([
    [1_000, 40, 1_000, 40],
    [1_012, 40, 1_000, 40], // 40.48
    [1_013, 40, 1_000, 41], // 40.52
    [25, 2, 100, 1], // 0.5 goes up
    [24, 2, 100, 0], // 0.48
    [1, 1, 3, 0],
    [2, 1, 3, 1],
    [0, 40, 1_000, 0],
  ])('is, for %i units at %i per %i, %i', (quantity, price, per, expected) => {
    expect(priceOf(quantity, { price, per })).toBe(expected);
  });

  it('is never further than half a minor unit from the exact price, and a half goes up', () => {
    const natural = fc.integer({ min: 0, max: 1_000_000_000 });
    fc.assert(
      fc.property(
        natural,
        fc.integer({ min: 0, max: 100_000 }),
        fc.integer({ min: 1, max: 10_000 }),
        (q, price, per) => {
          const twiceTooMuch =
            2n * (BigInt(priceOf(q, { price, per })) * BigInt(per) - BigInt(q) * BigInt(price));
          expect(twiceTooMuch > -BigInt(per) && twiceTooMuch <= BigInt(per)).toBe(true);
        },
      ),
    );
  });

  it('is exact where floating point is not', () => {
    expect(priceOf(9_007_199_254_740_991, { price: 3, per: 3 })).toBe(9_007_199_254_740_991);
  });

  it('is refused when a number cannot hold it', () => {
    expect(() => priceOf(9_007_199_254_740_991, { price: 2, per: 1 })).toThrow(
      new RangeError('18014398509481982 is too large to be counted exactly'),
    );
  });
});

describe('a sum', () => {
  it('adds debits and credits', () => {
    expect(sum([])).toBe(0);
    expect(sum([5, -7, 1])).toBe(-1);
  });

  it('may pass through values that a number cannot hold, but not end in one', () => {
    const most = Number.MAX_SAFE_INTEGER;
    expect(sum([most, most, -most])).toBe(most);
    expect(() => sum([most, 1])).toThrow(RangeError);
    expect(() => toSafeNumber(-(2n ** 53n))).toThrow(RangeError);
  });
});
