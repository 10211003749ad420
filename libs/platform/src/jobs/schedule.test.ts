import { describe, expect, it } from 'vitest';
import { parseSchedule } from './schedule.ts';

/** The first runs of a schedule, in UTC without seconds. */
function runsOf(text: string, timeZone: string, count: number): string[] {
  const schedule = parseSchedule(text, timeZone);
  return Array.from({ length: count }, (_, n) => schedule.at(n))
    .filter((time) => time !== undefined)
    .map((time) => new Date(time).toISOString().slice(0, 16));
}

describe('the runs of a repeating interval', () => {
  it.each([
    [
      'a month from the 31st is the last day of a short month, and does not drift',
      ['R/2026-01-31T01:15:00/P1M', 'UTC'],
      ['2026-01-31T01:15', '2026-02-28T01:15', '2026-03-31T01:15', '2026-04-30T01:15', '2026-05-31T01:15'],
    ],
    [
      'a year from the leap day',
      ['R/2024-02-29T00:00:00/P1Y', 'UTC'],
      ['2024-02-29T00:00', '2025-02-28T00:00', '2026-02-28T00:00', '2027-02-28T00:00', '2028-02-29T00:00'],
    ],
    [
      'a day in Berlin in spring: 02:30 does not exist on the 29th',
      ['R/2026-03-28T02:30:00/P1D', 'Europe/Berlin'],
      ['2026-03-28T01:30', '2026-03-29T01:30', '2026-03-30T00:30'],
    ],
    [
      'a day in Berlin in autumn: the first 02:30 of two',
      ['R/2026-10-24T02:30:00/P1D', 'Europe/Berlin'],
      ['2026-10-24T00:30', '2026-10-25T00:30', '2026-10-26T01:30'],
    ],
    [
      'a day in New York in spring',
      ['R/2026-03-07T02:30:00/P1D', 'America/New_York'],
      ['2026-03-07T07:30', '2026-03-08T07:30', '2026-03-09T06:30'],
    ],
    [
      'a day in New York in autumn',
      ['R/2026-10-31T01:30:00/P1D', 'America/New_York'],
      ['2026-10-31T05:30', '2026-11-01T05:30', '2026-11-02T06:30'],
    ],
    [
      'a day on Lord Howe Island in autumn, where the change is half an hour',
      ['R/2026-04-04T02:00:00/P1D', 'Australia/Lord_Howe'],
      ['2026-04-03T15:00', '2026-04-04T15:30', '2026-04-05T15:30'],
    ],
    [
      'a day on Lord Howe Island in spring',
      ['R/2026-10-03T02:15:00/P1D', 'Australia/Lord_Howe'],
      ['2026-10-02T15:45', '2026-10-03T15:45', '2026-10-04T15:15'],
    ],
    [
      'fifteen minutes are fifteen minutes over a change of the clocks',
      ['R/2026-03-29T01:30:00/PT15M', 'Europe/Berlin'],
      ['2026-03-29T00:30', '2026-03-29T00:45', '2026-03-29T01:00', '2026-03-29T01:15'],
    ],
    [
      '24 hours are not a day over a change of the clocks',
      ['R/2026-03-28T12:00:00/PT24H', 'Europe/Berlin'],
      ['2026-03-28T11:00', '2026-03-29T11:00'],
    ],
    [
      'three times and no more',
      ['R3/2026-01-01T00:00:00/P1W', 'UTC'],
      ['2026-01-01T00:00', '2026-01-08T00:00', '2026-01-15T00:00'],
    ],
    [
      'a start with an offset',
      ['R/2026-01-01T01:00:00+02:00/P1D', 'Europe/Berlin'],
      ['2025-12-31T23:00', '2026-01-01T23:00'],
    ],
    [
      'a start with an offset of hours only',
      ['R/2026-01-01T01:00:00+02/P1D', 'Europe/Berlin'],
      ['2025-12-31T23:00', '2026-01-01T23:00'],
    ],
    ['a start without a time', ['R/2026-01-01/P1D', 'UTC'], ['2026-01-01T00:00', '2026-01-02T00:00']],
  ])('%s', (_what, [text = '', timeZone = ''], expected) => {
    expect(runsOf(text, timeZone, expected.length)).toEqual(expected);
  });

  it('ends after the given number of runs', () => {
    expect(parseSchedule('R3/2026-01-01T00:00:00/P1W', 'UTC').at(3)).toBeUndefined();
  });

  it.each([
    ['2025-01-01T00:00:00Z', 0],
    ['2026-01-01T00:00:00Z', 0],
    ['2026-01-01T00:00:00.001Z', 1],
    ['2026-11-28T12:00:00Z', 332],
  ])('are found from a time on: %s', (time, n) => {
    expect(parseSchedule('R/2026-01-01T00:00:00/P1D', 'UTC').firstFrom(Date.parse(time))).toBe(n);
  });
});

describe('a wrong schedule', () => {
  it.each([
    ['P1D', 'must have the form R/<start>/<period>'],
    ['R/2026-01-01T00:00:00', 'must have the form'],
    ['Rx/2026-01-01T00:00:00/P1D', 'must have the form'],
    ['R0/2026-01-01T00:00:00/P1D', 'must repeat at least once'],
    ['R/2026-13-01T00:00:00/P1D', 'the start "2026-13-01T00:00:00"'],
    ['R/2026-01-01T00:00:00[Asia]/P1D', 'the start "2026-01-01T00:00:00[Asia]"'],
    ['R/tomorrow/P1D', 'the start "tomorrow"'],
    ['R/2026-01-01T00:00:00/P1Q', 'the period "P1Q" must be an ISO 8601 duration'],
    ['R/2026-01-01T00:00:00/PT0S', 'the period "PT0S" must be longer than zero'],
    ['R/2026-01-01T00:00:00/P300000Y', 'the period "P300000Y" is too long'],
  ])('%s is rejected, and the part named', (text, message) => {
    expect(() => parseSchedule(text, 'UTC')).toThrow(message);
  });

  it('in a time zone that does not exist is rejected', () => {
    expect(() => parseSchedule('R/2026-01-01T00:00:00/P1D', 'Europe/Atlantis')).toThrow('"Europe/Atlantis"');
  });
});
