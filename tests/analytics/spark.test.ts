/** Apache Spark, in its image, answers every question as DuckDB does: the same rows, types and order. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Table } from '@slipway/reporting/analytics/duckdb';
import { askSpark } from '@slipway/reporting/analytics/spark';
import { loadQuestions } from '@slipway/reporting/questions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whySkipped } from '../support/docker.ts';
import { exportYear } from './exported-year.ts';

const why = whySkipped('REQUIRE_SPARK');
const questions = loadQuestions();

describe.skipIf(why)(`over a generated year, Spark${why}`, () => {
  let root: string;
  const bySpark = new Map<string, Table>();
  let byDuckDb: Map<string, Table>;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'spark-'));
    const [folder, work] = [join(root, 'export'), join(root, 'work')];
    byDuckDb = await exportYear(folder);
    await mkdir(work);
    const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    // One start of Spark for all questions: it costs more than any answer.
    for (const { question, table } of await askSpark(questions, { folder, work, user })) {
      bySpark.set(question.name, table);
    }
  }, 1_800_000);
  afterAll(() => rm(root, { recursive: true }));

  it.each(questions.map(({ name }) => name))('answers %s as DuckDB does', (name) => {
    expect(byDuckDb.get(name)?.rows.length).toBeGreaterThan(0);
    expect(bySpark.get(name)).toEqual(byDuckDb.get(name));
  });
});
