import { join } from 'node:path';
import { openAnswers } from '@slipway/reporting/analytics/answers';
import type { Table } from '@slipway/reporting/analytics/duckdb';
import { exportEvents } from '@slipway/reporting/analytics/export';
import { loadQuestions } from '@slipway/reporting/questions';
import { openStore } from '@slipway/reporting/store/open';
import { generateYear } from '@slipway/reporting/testing/year';

/** Exports a generated year, and returns DuckDB's answers to all questions, by name. */
export async function exportYear(folder: string): Promise<Map<string, Table>> {
  const store = await openStore('sqlite::memory:');
  for (const event of generateYear({ seed: 7, customers: 150, usagePerMonth: 4 })) await store.apply(event);
  await exportEvents({ store, folder });
  await store.close();
  const answers = await openAnswers(folder, { temporaryFolder: join(folder, 'spill') });
  const tables = new Map<string, Table>();
  for (const question of loadQuestions()) tables.set(question.name, await answers.ask(question));
  answers.close();
  return tables;
}
