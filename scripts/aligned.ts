/**
 * Pads the cells of rows, so that each column begins and ends at the same place in every line.
 *
 * @param isRight whether the cells of a column stand at its right edge, as numbers do
 * @returns one line for each row
 * @example
 * aligned([['job', 'runs'], ['cleanup', '12']], (column) => column === 1); // ['job      runs', 'cleanup    12']
 */
export function aligned(rows: string[][], isRight: (column: number) => boolean): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const pad = (cell: string, column: number) => {
    const width = widths[column] ?? 0;
    return isRight(column) ? cell.padStart(width) : cell.padEnd(width);
  };
  return rows.map((row) => row.map(pad).join('  ').trimEnd());
}
