import { pipeline, Readable } from 'node:stream';
import { problem } from '@slipway/contracts/errors';
import { stringify } from 'csv-stringify';
import Negotiator from 'negotiator';

/** The media types of a report, the preferred one first. */
export const formats = ['application/json', 'text/csv', 'application/x-ndjson'] as const;
export type Format = (typeof formats)[number];

type Row = Record<string, string | number>;

/** Rows that are there already, or come one after the other. */
export type Rows<T> = Iterable<T> | AsyncIterable<T>;

/**
 * Chooses the format that an `Accept` header prefers (RFC 9110, 12.5.1); JSON if it has no preference.
 *
 * @throws {Problem} not_acceptable if it accepts none of them.
 * @example
 * chooseFormat('text/csv;q=0.9, application/json;q=0.1'); // 'text/csv'
 */
export function chooseFormat(accept: string | undefined): Format {
  const [chosen] = new Negotiator({ headers: { accept: accept || '*/*' } }).mediaTypes([...formats]);
  if (chosen) return chosen as Format;
  throw problem('not_acceptable', `Available formats are ${formats.join(', ')}`, {
    fields: [{ field: 'header.accept', message: `must accept one of ${formats.join(', ')}` }],
  });
}

/** Writes rows as JSON, one row per line. */
export function toNdjson(rows: Rows<object>): Readable {
  return Readable.from(jsonLines(rows));
}

async function* jsonLines(rows: Rows<object>): AsyncGenerator<string> {
  for await (const row of rows) yield `${JSON.stringify(row)}\n`;
}

/**
 * Writes rows as CSV (RFC 4180) with a header line, even if there are no rows. A spreadsheet would run text that
 * begins like a formula (OWASP: CSV injection), so such text gets an apostrophe in front. Numbers stay numbers.
 */
export function toCsv(columns: string[], rows: Rows<Row>): Readable {
  const csv = stringify({
    columns,
    header: true,
    record_delimiter: 'windows',
    quote_record_delimiter: true,
    escape_formulas: true,
  });
  // An error of the rows destroys `csv`, whose reader reports it.
  return pipeline(Readable.from(rows), csv, () => undefined);
}
