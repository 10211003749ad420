/** Asks DuckDB one question, and prints its cost as JSON: node ask.ts <export> <question> <memory> <temporary folder> */
import { createHash } from 'node:crypto';
import process from 'node:process';
import { openAnswers } from '@slipway/reporting/analytics/answers';
import type { Table } from '@slipway/reporting/analytics/duckdb';
import { loadQuestions } from '@slipway/reporting/questions';
import type { AnswerCost } from './figures.ts';

/** Identifies an answer: that of another engine has to be the same. */
export const hashOf = ({ rows }: Table): string =>
  createHash('sha256')
    .update(JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? `${value}` : value)))
    .digest('hex');

export type Asked = AnswerCost & { hash: string };

async function ask([folder = '', name, memory, temporaryFolder = '']: string[]): Promise<Asked> {
  const question = loadQuestions().find((each) => each.name === name);
  if (!question) throw new Error(`There is no question ${name}`);
  const answers = await openAnswers(folder, { temporaryFolder, memory });
  const startedAt = performance.now();
  const before = process.cpuUsage();
  const table = await answers.ask(question);
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - startedAt) / 1e3;
  const peakMegabytes = (process.resourceUsage().maxRSS * 1_024) / 1e6;
  answers.close();
  return { seconds, cpuSeconds: (user + system) / 1e6, peakMegabytes, hash: hashOf(table) };
}

if (import.meta.main) process.stdout.write(JSON.stringify(await ask(process.argv.slice(2))));
