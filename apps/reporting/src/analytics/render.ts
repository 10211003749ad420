import type { Table, Value } from './duckdb.ts';

/** Types of numbers, which are aligned to the right. */
const numeric = /^(BIGINT|INTEGER|HUGEINT|DOUBLE|DECIMAL)/;

/**
 * Formats a table for a terminal, with aligned columns.
 *
 * @example
 * month    net
 * 2026-03  1200
 */
export function toText({ columns, rows }: Table): string {
  const lines = [columns.map(({ name }) => name), ...rows.map((row) => row.map(textOf))];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const align = (cell: string, column: number) =>
    numeric.test(columns[column]?.type ?? '')
      ? cell.padStart(widths[column] ?? 0)
      : cell.padEnd(widths[column] ?? 0);
  return lines.map((line) => `${line.map(align).join('  ').trimEnd()}\n`).join('');
}

/** Returns the rows as objects whose values JSON and CSV know. A number beyond 2^53 − 1 becomes text. */
export function toRows({ columns, rows }: Table): Record<string, string | number>[] {
  return rows.map((row) =>
    Object.fromEntries(row.map((value, index) => [columns[index]?.name, plain(value)])),
  );
}

function plain(value: Value): string | number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) return Number(value);
  return textOf(value);
}

const textOf = (value: Value): string => (value === null ? '' : String(value));
