import { describe, expect, it } from 'vitest';
import { percentile } from './percentile.ts';

const upTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1);

describe('a percentile', () => {
  it.each([
    [5, 15],
    [30, 20],
    [40, 20],
    [41, 35],
    [50, 35],
    [100, 50],
  ])('of 15, 20, 35, 40 and 50 at %i is %i', (p, expected) => {
    expect(percentile([50, 15, 40, 20, 35], p)).toBe(expected);
  });

  it('of 1 to 100 is its own number, for each whole one', () => {
    for (const p of upTo(100)) expect(percentile(upTo(100), p)).toBe(p);
  });

  it('of numbers sorts them as numbers', () => {
    expect(percentile([9, 10, 100], 50)).toBe(10);
  });

  it('of one value is that value', () => {
    for (const p of [1, 50, 99]) expect(percentile([7], p)).toBe(7);
  });

  it('is the smallest value that p % of the values do not exceed', () => {
    for (let size = 1; size <= 30; size++) {
      const values = upTo(size).map((n) => (n * 7) % 11);
      const notAbove = (limit: number) => values.filter((value) => value <= limit).length * 100;
      for (const p of upTo(100)) {
        const enough = values.filter((value) => notAbove(value) >= p * size);
        expect(percentile(values, p)).toBe(Math.min(...enough));
      }
    }
  });

  it('changes no input', () => {
    const values = [3, 1, 2];
    percentile(values, 50);
    expect(values).toEqual([3, 1, 2]);
  });

  it('of nothing, or outside of 0 to 100, is an error', () => {
    expect(() => percentile([], 50)).toThrow('There are no values');
    for (const p of [0, -1, 100.5, Number.NaN]) expect(() => percentile([1], p)).toThrow(RangeError);
  });
});
