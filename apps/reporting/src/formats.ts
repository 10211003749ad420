import { problem } from '@slipway/contracts/errors';
import Negotiator from 'negotiator';

/** The media types a report can be had in, the preferred one first. */
export const formats = ['application/json', 'text/csv', 'application/x-ndjson'] as const;
export type Format = (typeof formats)[number];

type Row = Record<string, string | number>;

/**
 * Chooses the format that an `Accept` header likes best (RFC 9110, 12.5.1), JSON if there is none.
 *
 * @throws {Problem} not_acceptable if it takes none of them.
 * @example
 * chooseFormat('text/csv;q=0.9, application/json;q=0.1'); // 'text/csv'
 */
export function chooseFormat(accept: string | undefined): Format {
  const [chosen] = new Negotiator({ headers: { accept: accept || '*/*' } }).mediaTypes([...formats]);
  if (chosen) return chosen as Format;
  throw problem('not_acceptable', `There is ${formats.join(', ')}`, {
    fields: [{ field: 'header.accept', message: `must take one of ${formats.join(', ')}` }],
  });
}

/** Writes rows as JSON, one a line. */
export async function* toNdjson(rows: AsyncIterable<object>): AsyncGenerator<string> {
  for await (const row of rows) yield `${JSON.stringify(row)}\n`;
}

/** Writes rows as CSV (RFC 4180) with a header line, also when there is no row. */
export async function* toCsv(columns: string[], rows: AsyncIterable<Row>): AsyncGenerator<string> {
  yield line(columns);
  for await (const row of rows) yield line(columns.map((column) => row[column] ?? ''));
}

function line(values: (string | number)[]): string {
  return `${values.map(cell).join(',')}\r\n`;
}

/** A spreadsheet takes a text that begins so for a formula and runs it (OWASP: CSV injection). */
const formula = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/;

/** Numbers stay numbers; a text that a spreadsheet would run gets an apostrophe in front. */
function cell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = formula.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
