import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExportCost } from '@slipway/reporting/testing/measured-export';

/** The cost of an answer. The peak is the resident memory of the whole process. */
export type AnswerCost = { seconds: number; cpuSeconds: number; peakMegabytes: number };

/** The measurements with one number of events. One that was not made is missing. */
export type Figures = {
  millions: number;
  /** By the memory that DuckDB may use, such as `512MB`. */
  exports: Record<string, { all: ExportCost; late: ExportCost }>;
  /** By engine, with its memory, and by question. `start` is the time until Spark has answered a first query. */
  answers: Record<string, Record<string, AnswerCost>>;
};

const pathIn = (folder: string) => join(folder, 'figures.json');

/** Reads what was measured before in a folder: a bench of many events takes several runs. */
export function readFigures(folder: string): Figures[] {
  return existsSync(pathIn(folder)) ? JSON.parse(readFileSync(pathIn(folder), 'utf8')) : [];
}

/** Adds figures to those of a folder, by number of events. */
export function addFigures(folder: string, added: Figures): void {
  const all = readFigures(folder);
  const before = all.find(({ millions }) => millions === added.millions);
  const next = {
    millions: added.millions,
    exports: { ...before?.exports, ...added.exports },
    answers: { ...before?.answers, ...added.answers },
  };
  const others = all.filter((each) => each !== before);
  const sorted = [...others, next].sort((a, b) => a.millions - b.millions);
  writeFileSync(pathIn(folder), `${JSON.stringify(sorted, null, 2)}\n`);
}
