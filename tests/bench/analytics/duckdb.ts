import { join } from 'node:path';
import type { Question } from '@slipway/reporting/questions';
import { median } from '../statistics.ts';
import type { Asked } from './ask.ts';
import { runJson } from './run-json.ts';

const program = new URL('./ask.ts', import.meta.url);
const rounds = 3;

/** Measures each question with DuckDB, in processes of its own. The median of three counts, and the largest memory. */
export async function askDuckDb(questions: Question[], folder: string, memory: string) {
  const found: Record<string, Asked> = {};
  for (const { name } of questions) {
    const asked: Asked[] = [];
    for (let round = 0; round < rounds; round++) {
      asked.push(await runJson<Asked>(program, [folder, name, memory, join(folder, 'spill')]));
    }
    found[name] = {
      seconds: median(asked.map(({ seconds }) => seconds)),
      cpuSeconds: median(asked.map(({ cpuSeconds }) => cpuSeconds)),
      peakMegabytes: Math.max(...asked.map(({ peakMegabytes }) => peakMegabytes)),
      hash: asked[0]?.hash ?? '',
    };
  }
  return found;
}
