import { Timestamp } from '@slipway/contracts/schemas';
import { toInstant } from '@slipway/platform/core/instant';
import { createValidators } from '@slipway/platform/http/validation';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { periodNumberAt, periodOf } from './periods.ts';

const day = (period: { start: string }) => period.start.slice(0, 10);

describe('billing periods', () => {
  it('are months that begin at the instant of the anchor', () => {
    expect(periodOf('2026-03-15T22:30:00.250Z', 1)).toEqual({
      number: 1,
      start: '2026-03-15T22:30:00.250Z',
      end: '2026-04-15T22:30:00.250Z',
    });
  });

  it('begin on the last day of a month that lacks the day, and find back to it', () => {
    const starts = [1, 2, 3, 4].map((number) => day(periodOf('2024-01-31T00:00:00.000Z', number)));
    expect(starts).toEqual(['2024-01-31', '2024-02-29', '2024-03-31', '2024-04-30']);
    expect(day(periodOf('2026-01-31T00:00:00.000Z', 2))).toBe('2026-02-28');
    expect(day(periodOf('2024-02-29T00:00:00.000Z', 13))).toBe('2025-02-28');
    expect(day(periodOf('2024-02-29T00:00:00.000Z', 49))).toBe('2028-02-29');
  });

  it('do not shift when clocks do', () => {
    // Both changes to and from daylight saving time in Europe and America lie within.
    const times = Array.from({ length: 12 }, (_, n) =>
      periodOf('2026-01-15T01:30:00.000Z', n + 1).start.slice(11),
    );
    expect(new Set(times)).toEqual(new Set(['01:30:00.000Z']));
  });

  const instant = fc
    .date({ min: new Date('2000-01-01'), max: new Date('2090-01-01'), noInvalidDate: true })
    .map((date) => date.toISOString());

  it('follow each other without gap or overlap', () => {
    fc.assert(
      fc.property(instant, fc.integer({ min: 1, max: 600 }), (anchor, number) => {
        const { start, end } = periodOf(anchor, number);
        expect(start < end).toBe(true);
        expect(periodOf(anchor, number + 1).start).toBe(end);
      }),
    );
  });

  it('hold each instant from the anchor on, under one number', () => {
    fc.assert(
      fc.property(instant, instant, (a, b) => {
        const [anchor, at] = a < b ? [a, b] : [b, a];
        const { start, end } = periodOf(anchor, periodNumberAt(anchor, at));
        expect(start <= at && at < end).toBe(true);
      }),
    );
  });

  it('change their number at the instant of their start', () => {
    const { start } = periodOf('2024-01-31T12:00:00.000Z', 2);
    const before = new Date(Date.parse(start) - 1).toISOString();
    expect(periodNumberAt('2024-01-31T12:00:00.000Z', start)).toBe(2);
    expect(periodNumberAt('2024-01-31T12:00:00.000Z', before)).toBe(1);
    expect(periodNumberAt('2024-01-31T12:00:00.000Z', '2024-01-31T11:59:59.999Z')).toBeLessThan(1);
  });
});

describe('an instant', () => {
  it('is made of every timestamp that the contract lets through', () => {
    const compile = createValidators();
    const check = compile({ schema: Timestamp, method: 'POST', url: '/', httpPart: 'body' });
    const two = (most: number) => fc.integer({ min: 0, max: most }).map((n) => String(n).padStart(2, '0'));
    const timestamp = fc
      .tuple(
        fc.integer({ min: 0, max: 9_999 }).map((n) => String(n).padStart(4, '0')),
        ...[two(13), two(32), two(24), two(60), two(61)],
        fc.constantFrom('T', 't', ' '),
        fc.constantFrom('', '.0', '.123456789', '.12345678901234567890'),
        fc.constantFrom('Z', 'z', '+00', '-0130', '+23:59', '-23:59', '+24:00'),
      )
      .map(
        ([year, month, day, h, m, s, t, fraction, zone]) =>
          `${year}-${month}-${day}${t}${h}:${m}:${s}${fraction}${zone}`,
      );
    fc.assert(
      fc.property(timestamp, (text) => {
        const verdict: unknown = check(text);
        fc.pre(verdict === true);
        expect(toInstant(text)).toMatch(/Z$/);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['2026-03-29T02:30:00+02:00', '2026-03-29T00:30:00.000Z'],
    ['2026-03-29 00:30:00z', '2026-03-29T00:30:00.000Z'],
    ['2026-03-29T00:30:00.123456789Z', '2026-03-29T00:30:00.123Z'],
    ['2026-03-29T00:30:00.9999999999999999Z', '2026-03-29T00:30:00.999Z'],
    ['2026-03-29t00:30:00+0030', '2026-03-29T00:00:00.000Z'],
    ['2026-03-29T00:30:00+00', '2026-03-29T00:30:00.000Z'],
    ['2016-12-31T23:59:60Z', '2016-12-31T23:59:59.000Z'],
  ])('is written in the form that sorts: %s', (given, expected) => {
    expect(toInstant(given)).toBe(expected);
  });
});
