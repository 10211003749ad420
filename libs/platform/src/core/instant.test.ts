import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readInstant, toInstant } from './instant.ts';

describe('a timestamp', () => {
  it.each([
    ['2026-03-29T02:30:00+02:00', '2026-03-29T00:30:00.000Z'],
    ['2026-03-29t00:30:00z', '2026-03-29T00:30:00.000Z'],
    ['2026-03-29 00:30:00Z', '2026-03-29T00:30:00.000Z'],
    ['2026-03-29T00:30:00.9999999999999999Z', '2026-03-29T00:30:00.999Z'],
    ['2026-03-29T00:30:00-0030', '2026-03-29T01:00:00.000Z'],
    ['2026-03-29T00:30:00+00', '2026-03-29T00:30:00.000Z'],
    ['2016-12-31T23:59:60Z', '2016-12-31T23:59:59.000Z'],
    ['2017-01-01T01:59:60.5+02:00', '2016-12-31T23:59:59.500Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000Z'],
  ])('is read: %s', (text, instant) => {
    expect(readInstant(text)).toBe(instant);
    expect(toInstant(text)).toBe(instant);
  });

  it('in the form that sorts is itself if there is such a day and time', () => {
    const number = (max: number, digits: number) =>
      fc.nat({ max }).map((value) => `${value}`.padStart(digits, '0'));
    const parts = [
      number(9999, 4),
      number(13, 2),
      number(32, 2),
      number(25, 2),
      number(61, 2),
      number(61, 2),
      number(999, 3),
    ] as const;
    fc.assert(
      fc.property(...parts, (year, month, day, hour, minute, second, millisecond) => {
        const withoutZone = `${year}-${month}-${day}T${hour}:${minute}:${second}.${millisecond}`;
        // Temporal reads the other form. They are the same instant, if they are one.
        expect(readInstant(`${withoutZone}Z`)).toBe(readInstant(`${withoutZone}+00:00`));
      }),
      { numRuns: 5_000 },
    );
  });

  it.each([
    ['a tab', '2026-11-28\t01:00:00Z'],
    ['a line feed', '2026-11-28\n01:00:00Z'],
    ['a no-break space', '2026-11-28\u00a001:00:00Z'],
    ['two spaces', '2026-11-28  01:00:00Z'],
    ['a trailing line feed', '2026-11-28T01:00:00Z\n'],
    ['no zone', '2026-11-28T01:00:00'],
    ['no seconds', '2026-11-28T01:00Z'],
    ['a zone name', '2026-11-28T01:00:00Z[Europe/Berlin]'],
    ['an annotation', '2026-11-28T01:00:00Z[u-ca=gregory]'],
    ['a decimal comma', '2026-11-28T01:00:00,5Z'],
    ['digits of another script', '٢٠٢٦-11-28T01:00:00Z'],
    ['a day that the month lacks', '2026-02-29T01:00:00Z'],
    ['a leap second in the middle of a day', '2026-11-28T01:00:60Z'],
    ['hour 24', '2026-11-28T24:00:00Z'],
    ['hour 24 and milliseconds', '2026-11-28T24:00:00.000Z'],
    ['milliseconds on a day that the month lacks', '2026-02-29T01:00:00.000Z'],
    ['an offset of a day', '2026-11-28T01:00:00+24:00'],
    ['a year of six digits', '+002026-11-28T01:00:00Z'],
    ['a year of five digits in UTC', '9999-12-31T23:59:59-01:00'],
    ['a year before 0 in UTC', '0000-01-01T00:00:00+01:00'],
  ])('is not read with %s', (_what, text) => {
    expect(readInstant(text)).toBeUndefined();
    expect(() => toInstant(text)).toThrow(RangeError);
  });
});
