// Formats amounts, times and durations for people.

/**
 * Formats an amount of a currency's minor unit.
 *
 * @example
 * money(1_900, 'EUR'); // '€19.00'
 */
export function money(amount, currency) {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency });
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
}

export const number = (value) => value.toLocaleString('en');

/** Formats a timestamp as date and time in UTC, as the API uses them. */
export function time(timestamp) {
  return timestamp === undefined ? '–' : `${timestamp.slice(0, 10)} ${timestamp.slice(11, 19)}`;
}

export const day = (timestamp) => (timestamp === undefined ? '–' : timestamp.slice(0, 10));

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
];
const language = new Intl.RelativeTimeFormat('en', { numeric: 'always' });

/** Formats a timestamp as its distance from now, in the largest whole unit, such as `in 3 hours`. */
export function relative(timestamp, now = Date.now()) {
  if (timestamp === undefined) return '–';
  const distance = Date.parse(timestamp) - now;
  const [unit, ms] = units.find(([, size]) => Math.abs(distance) >= size) ?? ['second', 1_000];
  const count = Math.trunc(distance / ms);
  return count === 0 ? 'now' : language.format(count, unit);
}

/** Formats milliseconds with three significant digits at most, such as `1.23 s`. */
export function duration(ms) {
  if (ms === undefined) return '–';
  if (ms < 1_000) return `${ms} ms`;
  if (ms < 60_000) return `${Number((ms / 1_000).toPrecision(3))} s`;
  return `${Number((ms / 60_000).toPrecision(3))} min`;
}
