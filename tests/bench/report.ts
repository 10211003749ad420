import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';

const page = new URL('../../docs/benchmarks.md', import.meta.url);

/**
 * Replaces results in docs/benchmarks.md, between their two marks.
 *
 * @param bench the bench that measured them; by default it has the name of the marks
 */
export function writeReport(name: string, lines: string[], bench = name): void {
  const text = readFileSync(page, 'utf8');
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined)
    throw new Error(`docs/benchmarks.md has no place for ${name}`);
  writeFileSync(
    page,
    [before, begin, '\n\n', provenance(bench), '\n\n', lines.join('\n'), '\n\n', end, after].join(''),
  );
}

/** Where the figures come from: they mean something only with it. */
function provenance(name: string): string {
  const machine = `${availableParallelism()} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB`;
  const day = new Date().toISOString().slice(0, 10);
  return `\`npm run bench -- ${name}\`, ${day}, Node ${process.versions.node}, ${machine}`;
}

/** A Markdown table; all columns but the first are numbers. */
export function table(head: string[], rows: string[][]): string[] {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, column) => (column === 0 ? '---' : '---:'))), ...rows.map(line)];
}
