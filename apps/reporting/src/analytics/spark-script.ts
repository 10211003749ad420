import { join } from 'node:path';
import { loadQuestions, loadViews, type Question } from '../questions.ts';
import { quoted } from './duckdb.ts';
import { type Manifest, writeText } from './manifest.ts';

/** Settings with which Spark's SQL means what it means in DuckDB. */
const settings = {
  'spark.sql.session.timeZone': 'UTC',
  'spark.sql.ansi.enabled': 'true',
  'spark.sql.ansi.doubleQuotedIdentifiers': 'true',
};

/**
 * Returns the script with which `spark-sql` answers questions about an export, all in one application, because its start
 * takes longer than an answer. It runs in the folder of the export. The environment variable ANSWERS is an empty
 * folder, which gets a folder of Parquet for each question, and at the end `published`: JSON that says which
 * export the answers are about.
 */
export function sparkScript(manifest: Manifest, questions: Question[]): string {
  const files = Object.values(manifest.months).map(({ file }) => file);
  const { number, exportedAt } = manifest;
  const statements = [
    ...Object.entries(settings).map(([name, value]) => `SET ${name}=${value}`),
    `CREATE TEMPORARY VIEW exported USING parquet OPTIONS (path ${quoted(`{${files.join(',')}}`)})`,
    `CREATE TEMPORARY VIEW events AS
     SELECT *, unix_millis(CAST(happened_at AS TIMESTAMP)) AS happened_ms, year(day) * 12 + month(day) AS month_number
     FROM exported`,
    ...loadViews(),
    ...questions.map(({ name, sql }) => `${writeTo(name, 'parquet')}\n${sql}`),
    `${writeTo('published', 'json')}\nSELECT ${number} AS export, ${quoted(exportedAt)} AS exportedAt, '$\{env:ANSWERS}' AS folder`,
  ];
  return statements.map((statement) => `${statement};\n`).join('\n');
}

const writeTo = (name: string, format: string) =>
  `INSERT OVERWRITE DIRECTORY '$\{env:ANSWERS}/${name}' USING ${format}`;

/**
 * Writes the script about all questions beside the manifest, for a Spark in a cluster, whose image has no Node. The
 * script names the files of one export, and is replaced in one step, so Spark reads a whole export. An export without
 * events has no script.
 */
export async function writeSparkScript(folder: string, manifest: Manifest): Promise<void> {
  if (manifest.events === 0) return;
  await writeText(join(folder, 'spark.sql'), sparkScript(manifest, loadQuestions()));
}
