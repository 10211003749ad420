import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { loadViews } from '../questions.ts';
import { type DuckDB, type DuckDBOptions, openDuckDB, quoted, type Table } from './duckdb.ts';
import { columns } from './event-rows.ts';
import { type Manifest, readManifest } from './manifest.ts';

/** Thrown if a folder has no export, or not all of its files. */
export class ExportMissing extends Error {
  constructor(sentence: string) {
    super(sentence);
    this.name = 'ExportMissing';
  }
}

export type Answers = {
  /** The export that is asked. */
  manifest: Manifest;
  /** Answers a question. @throws {Error} the signal's reason, if it aborts. */
  ask(question: { sql: string }): Promise<Table>;
  close(): void;
};

/**
 * Opens the last export in a folder, to be asked with DuckDB. It is the same export until it is closed, even if
 * another one is published meanwhile.
 *
 * @throws {ExportMissing} if there is none.
 * @example
 * const answers = await openAnswers('data/analytics', { temporaryFolder });
 * const { columns, rows } = await answers.ask({ sql: 'SELECT count(*) AS events FROM events' });
 */
export async function openAnswers(folder: string, options: DuckDBOptions): Promise<Answers> {
  const manifest = await findExport(folder);
  const duckdb = await openDuckDB(options);
  try {
    await createViews(duckdb, filesOf(folder, manifest));
  } catch (error) {
    duckdb.close();
    throw error;
  }
  return { manifest, ask: ({ sql }) => duckdb.query(sql), close: () => duckdb.close() };
}

/** Returns the manifest of the last export in a folder. @throws {ExportMissing} if it or one of its files is missing. */
export async function findExport(folder: string): Promise<Manifest> {
  const manifest = await readManifest(folder);
  if (!manifest) throw new ExportMissing(`There is no export in ${folder}.`);
  for (const file of filesOf(folder, manifest)) {
    await access(file).catch(() => {
      throw new ExportMissing(`The export in ${folder} lacks ${file}; delete the folder, and export again.`);
    });
  }
  return manifest;
}

export function filesOf(folder: string, { months }: Manifest): string[] {
  return Object.values(months).map(({ file }) => join(folder, file));
}

async function createViews(duckdb: DuckDB, files: string[]): Promise<void> {
  await duckdb.run(
    `CREATE TEMPORARY VIEW events AS
     SELECT *, epoch_ms(happened_at) AS happened_ms, year(day) * 12 + month(day) AS month_number
     FROM ${files.length > 0 ? read(files) : nothing}`,
  );
  for (const view of loadViews()) await duckdb.run(view);
}

const read = (files: string[]) =>
  `read_parquet([${files.map(quoted).join(', ')}], hive_partitioning = false)`;

/** A table without rows. */
const nothing = `(SELECT ${Object.entries(columns)
  .map(([name, type]) => `CAST(NULL AS ${type}) AS ${name}`)
  .join(', ')} WHERE false)`;
