/**
 * Billing periods: months that begin at the time of an anchor, in UTC, so that daylight saving time has no effect.
 * Instants are texts such as 2024-01-31T09:30:00.000Z, which sort by time.
 */

/** A month from `start` (included) to `end` (excluded). Numbers begin with 1. */
export type Period = { number: number; start: string; end: string };

/**
 * Returns the period with a number. It is computed from the anchor and not from the previous period, so a short month
 * does not move the day of later ones: 31 January, 29 February, 31 March.
 *
 * @example
 * periodOf('2024-01-31T00:00:00.000Z', 2); // { number: 2, start: '2024-02-29T…', end: '2024-03-31T…' }
 */
export function periodOf(anchor: string, number: number): Period {
  return { number, start: afterMonths(anchor, number - 1), end: afterMonths(anchor, number) };
}

/** Returns the number of the period that contains an instant; less than 1 before the anchor. */
export function periodNumberAt(anchor: string, at: string): number {
  const [from, to] = [new Date(anchor), new Date(at)];
  const years = to.getUTCFullYear() - from.getUTCFullYear();
  const months = 12 * years + to.getUTCMonth() - from.getUTCMonth();
  // The period that begins in the calendar month of `at` may begin before or after `at`.
  return afterMonths(anchor, months) <= at ? months + 1 : months;
}

/** Temporal replaces a day that the month does not have with the last day of the month. */
function afterMonths(anchor: string, months: number): string {
  return toText(Temporal.Instant.from(anchor).toZonedDateTimeISO('UTC').add({ months }).toInstant());
}

function toText(instant: Temporal.Instant): string {
  return instant.toString({ fractionalSecondDigits: 3 });
}
