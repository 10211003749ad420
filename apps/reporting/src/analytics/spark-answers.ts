import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import { type DuckDBOptions, quoted, type Table, withDuckDB } from './duckdb.ts';
import { readJson } from './manifest.ts';

/** Names the answers of Spark's last run. It is replaced in one step when all answers are there. */
export type SparkAnswers = {
  /** The number and the time of the export that the answers are about. */
  export: number;
  exportedAt: string;
  /** Holds a folder for each question; relative to the folder of the export. */
  folder: string;
};

/** Thrown if Spark has not answered a question. */
export class AnswerMissing extends Error {
  constructor(sentence: string) {
    super(sentence);
    this.name = 'AnswerMissing';
  }
}

/** Returns what Spark, in a cluster, has answered last about the export in a folder. @throws {AnswerMissing} if nothing. */
export async function findSparkAnswers(folder: string): Promise<SparkAnswers> {
  const answers = await readJson<SparkAnswers>(join(folder, 'answers/spark/answers.json'));
  if (!answers) throw new AnswerMissing('Spark has not answered any question yet');
  return answers;
}

/**
 * Reads an answer that Spark has written, in its order.
 *
 * @param folder holds a folder for each question
 * @throws {AnswerMissing} if it has none for this one
 */
export async function readSparkAnswer(folder: string, name: string, options: DuckDBOptions): Promise<Table> {
  const files = (await Array.fromAsync(glob(`${name}/part-*.parquet`, { cwd: folder }))).sort();
  if (files.length === 0) throw new AnswerMissing(`Spark has not answered the question ${name}`);
  const paths = files.map((file) => quoted(join(folder, file)));
  const sql = `SELECT * FROM read_parquet([${paths.join(', ')}], hive_partitioning = false)`;
  return withDuckDB(options, (duckdb) => duckdb.query(sql));
}
