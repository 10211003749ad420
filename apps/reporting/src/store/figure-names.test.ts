import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FigureKey, figureName, keyIn, rankName } from './figure-names.ts';

const id = fc.stringMatching(/^[A-Za-z0-9_:.-]{1,5}$/);
const key: fc.Arbitrary<FigureKey> = fc.record({
  snapshot: fc.integer({ min: 1, max: 20 }),
  report: fc.constantFrom('usage', 'revenue', 'signUps', 'recurring'),
  group: id,
  breakdown: fc.oneof(fc.constant(''), id),
});
const sum = fc.maxSafeInteger();

const compare = <T extends string | number>(a: T, b: T) => Number(a > b) - Number(a < b);

describe('the name of a figure', () => {
  it('sorts as snapshot, report, group and breakdown do', () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        const expected =
          compare(a.snapshot, b.snapshot) ||
          compare(a.report, b.report) ||
          compare(a.group, b.group) ||
          compare(a.breakdown, b.breakdown);
        expect(compare(figureName(a), figureName(b))).toBe(expected);
      }),
    );
  });

  it('returns the key again', () => {
    fc.assert(
      fc.property(key, ({ snapshot, ...rest }) => {
        expect(keyIn(figureName({ snapshot, ...rest }))).toEqual(rest);
      }),
    );
  });
});

describe('the rank of a figure', () => {
  const name = figureName({ snapshot: 1, report: 'usage', group: 'calls', breakdown: 's1/u1' });

  it('sorts the larger sum first, for all sizes and signs', () => {
    fc.assert(
      fc.property(sum, sum, (a, b) => {
        expect(compare(rankName(name, a), rankName(name, b))).toBe(compare(b, a));
      }),
      {
        examples: [
          [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
          [10, 9],
          [0, -1],
        ],
      },
    );
  });

  it('is the same for figures of equal size in a group, so that they sort by their names', () => {
    const other = figureName({ snapshot: 1, report: 'usage', group: 'calls', breakdown: 's2/u2' });
    expect(rankName(name, 5)).toBe(rankName(other, 5));
  });
});
