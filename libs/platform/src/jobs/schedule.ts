/** The runs of a repeating interval: `at(n)` is the n-th, counted from 0. Times are milliseconds since the epoch. */
export type Schedule = {
  /** Returns the time of the n-th run: start + n × period; `undefined` if the interval repeats fewer times. */
  at(n: number): number | undefined;
  /** Returns the number of the first run at this time or later, which `at` may not have. */
  firstFrom(time: number): number;
  /** Returns the number of the last run at this time or earlier; -1 if there is none. */
  lastUntil(time: number): number;
};

const form = /^R(?<times>\d*)\/(?<start>[^/]+)\/(?<period>P[^/]+)$/;
/** Finds an offset behind the time, or the name of a zone: `Temporal.PlainDateTime` would ignore them. */
const hasOffset = /[T ].*[Z+[-]/i;

/**
 * Reads an ISO 8601 repeating interval. Each run is computed from the start, so a monthly run from the 31st is on the last
 * day of a short month, and on the 31st again after it. A day has as many hours as the time zone gives it. A time that
 * a zone skips in spring becomes one hour later; of a time that it repeats in autumn, the first counts.
 *
 * @param text `R/<start>/<period>`, or `R3/…` for three runs. A start without offset is a time in the time zone.
 * @param timeZone a name of the IANA database, such as `Europe/Berlin`
 * @throws {RangeError} that says which part is wrong.
 * @example
 * parseSchedule('R/2026-01-31T01:15:00/P1M', 'Europe/Berlin').at(1); // 2026-02-28T00:15:00Z
 */
export function parseSchedule(text: string, timeZone: string): Schedule {
  const { times = '', start = '', period = '' } = form.exec(text)?.groups ?? {};
  if (!period)
    throw new RangeError(`"${text}" must have the form R/<start>/<period> or R<times>/<start>/<period>`);
  const first = readStart(start, timeZone);
  const step = readPeriod(period, first);
  const count = times === '' ? Number.POSITIVE_INFINITY : Number(times);
  if (count === 0) throw new RangeError(`"R${times}" must repeat at least once`);
  const at = (n: number) => first.add(multiplied(step, n)).epochMilliseconds;
  return {
    at: (n) => (n < count ? at(n) : undefined),
    firstFrom: (time) => firstWith(at, time),
    lastUntil: (time) => Math.min(firstWith(at, time + 1), count) - 1,
  };
}

function readStart(text: string, timeZone: string): Temporal.ZonedDateTime {
  try {
    if (hasOffset.test(text)) return Temporal.Instant.from(text).toZonedDateTimeISO(timeZone);
    return Temporal.PlainDateTime.from(text).toZonedDateTime(timeZone);
  } catch (error) {
    throw new RangeError(
      `the start "${text}" in the time zone "${timeZone}" is wrong: ${(error as Error).message}`,
    );
  }
}

function readPeriod(text: string, start: Temporal.ZonedDateTime): Temporal.Duration {
  const period = durationOf(text);
  if (period.sign !== 1) throw new RangeError(`the period "${text}" must be longer than zero`);
  try {
    start.add(period);
  } catch {
    throw new RangeError(`the period "${text}" is too long: no date is so late`);
  }
  return period;
}

function durationOf(text: string): Temporal.Duration {
  try {
    return Temporal.Duration.from(text);
  } catch {
    throw new RangeError(`the period "${text}" must be an ISO 8601 duration, such as P1D or PT15M`);
  }
}

const units = [
  ...(['years', 'months', 'weeks', 'days', 'hours', 'minutes', 'seconds'] as const),
  ...(['milliseconds', 'microseconds', 'nanoseconds'] as const),
];

function multiplied(period: Temporal.Duration, n: number): Temporal.DurationLike {
  return Object.fromEntries(units.map((unit) => [unit, period[unit] * n]));
}

/** Returns the smallest n for which a function that never falls reaches `time`. */
function firstWith(at: (n: number) => number, time: number): number {
  let high = 1;
  while (at(high) < time) high *= 2;
  let low = 0;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (at(middle) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
