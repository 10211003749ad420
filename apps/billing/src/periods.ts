/**
 * Billing periods: months that begin at the instant of an anchor, in UTC, so that no daylight saving time moves
 * them. Instants are texts such as 2024-01-31T09:30:00.000Z; they sort by time.
 */

/** A month from `start` up to, and without, `end`. Numbers begin with 1. */
export type Period = { number: number; start: string; end: string };

/**
 * The period with a number. Each is computed from the anchor and never from the one before, so that a day that
 * a short month lacks comes back: 31 January, 29 February, 31 March.
 *
 * @example
 * periodOf('2024-01-31T00:00:00.000Z', 2); // { number: 2, start: '2024-02-29T…', end: '2024-03-31T…' }
 */
export function periodOf(anchor: string, number: number): Period {
  return { number, start: afterMonths(anchor, number - 1), end: afterMonths(anchor, number) };
}

/** The number of the period that holds an instant; less than 1 before the anchor. */
export function periodNumberAt(anchor: string, at: string): number {
  const [from, to] = [new Date(anchor), new Date(at)];
  const years = to.getUTCFullYear() - from.getUTCFullYear();
  const months = 12 * years + to.getUTCMonth() - from.getUTCMonth();
  // The one period that begins in the calendar month of `at` may begin before it or after.
  return afterMonths(anchor, months) <= at ? months + 1 : months;
}

/** Temporal clamps a day that the month lacks to its last. */
function afterMonths(anchor: string, months: number): string {
  return toText(Temporal.Instant.from(anchor).toZonedDateTimeISO('UTC').add({ months }).toInstant());
}

function toText(instant: Temporal.Instant): string {
  return instant.toString({ fractionalSecondDigits: 3 });
}
