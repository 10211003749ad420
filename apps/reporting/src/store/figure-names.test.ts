import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FigurePlace, figureName, placeIn, rankName } from './figure-names.ts';

const id = fc.stringMatching(/^[A-Za-z0-9_:.-]{1,5}$/);
const place: fc.Arbitrary<FigurePlace> = fc.record({
  generation: fc.integer({ min: 1, max: 20 }),
  report: fc.constantFrom('usage', 'revenue', 'signUps', 'recurring'),
  part: id,
  key: fc.oneof(fc.constant(''), id),
});
const sum = fc.maxSafeInteger();

const compare = <T extends string | number>(a: T, b: T) => Number(a > b) - Number(a < b);

describe('the name of a figure', () => {
  it('sorts as generation, report, part and key do', () => {
    fc.assert(
      fc.property(place, place, (a, b) => {
        const expected =
          compare(a.generation, b.generation) ||
          compare(a.report, b.report) ||
          compare(a.part, b.part) ||
          compare(a.key, b.key);
        expect(compare(figureName(a), figureName(b))).toBe(expected);
      }),
    );
  });

  it('tells the place again', () => {
    fc.assert(
      fc.property(place, ({ generation, ...rest }) => {
        expect(placeIn(figureName({ generation, ...rest }))).toEqual(rest);
      }),
    );
  });
});

describe('the rank of a figure', () => {
  const name = figureName({ generation: 1, report: 'usage', part: 'calls', key: 's1/u1' });

  it('sorts the larger sum first, whatever their size and sign', () => {
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

  it('is that of a part, so that figures of equal size sort by their names', () => {
    const other = figureName({ generation: 1, report: 'usage', part: 'calls', key: 's2/u2' });
    expect(rankName(name, 5)).toBe(rankName(other, 5));
  });
});
