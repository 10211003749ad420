/** RFC 3339 and common variants: a space for the `T`, an offset without colon or minutes. */
const form = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d(:?\d\d)?)$/;
const leapSecond = /:60([.Zz+-]|$)/;

/** A day that exists in every year. Only 29 February depends on the year. */
const dayOfAnyYear = '((0[1-9]|1[0-2])-(0[1-9]|1\\d|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)';
/** The form that sorts, which most clients send. It needs no other check, so slow Temporal is not asked. */
const sortable = new RegExp(`^\\d{4}-${dayOfAnyYear}T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d\\.\\d{3}Z$`);

/**
 * Reads a timestamp: the one parser of times, for the schemas' format `date-time` and for the rules.
 *
 * @returns the instant in the one form that sorts, UTC with milliseconds; `undefined` if the text is no timestamp, or
 *   if the year in UTC does not have four digits.
 * @example
 * readInstant('2024-03-31T02:30:00+02:00'); // '2024-03-31T00:30:00.000Z'
 */
export function readInstant(text: string): string | undefined {
  if (sortable.test(text)) return text;
  if (!form.test(text)) return undefined;
  try {
    // RFC 3339 sets no limit to the digits of a second; Temporal takes nine.
    const instant = Temporal.Instant.from(text.replace(/(\.\d{9})\d+/, '$1'));
    const written = instant.toString({ fractionalSecondDigits: 3 });
    // Temporal reads a leap second as the one before, at any time of the day.
    if (leapSecond.test(text) && !written.includes('T23:59:59')) return undefined;
    return /^\d{4}-/.test(written) ? written : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Writes a timestamp that has passed the schema in the one form that sorts.
 *
 * @throws {RangeError} if it is no timestamp.
 */
export function toInstant(timestamp: string): string {
  const instant = readInstant(timestamp);
  if (instant === undefined) throw new RangeError(`${timestamp} is not a timestamp`);
  return instant;
}
