import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type DuckDB, type DuckDBOptions, quoted, withDuckDB } from './duckdb.ts';
import type { EventPages } from './event-pages.ts';
import { removeLeftovers } from './leftovers.ts';
import { type Manifest, type MonthFile, readManifest, writeManifest } from './manifest.ts';
import { writeSparkScript } from './spark-script.ts';
import { ExportOvertaken, exporterOf, type Staged, stage, stagingFolder } from './staging.ts';

/** Where a service exports its events to, and how much memory DuckDB may use for that, and for each question. */
export type Analytics = { folder: string; memory: string };

/** Rows that are in memory before they are written: 20 MB less than with DuckDB's 122,880, in files 4 % larger. */
const rowGroupSize = 20_480;

export type ExportOptions = Pick<DuckDBOptions, 'memory' | 'threads'> & {
  store: EventPages;
  /** The folder of the export, which holds nothing else; created if missing. */
  folder: string;
  /** Stops the export; the next one goes on where it was. */
  signal?: AbortSignal;
  /** Is called just before the export is published; it throws if this process may not write any more. */
  check?: () => void;
  /** Reports the number of events read from the store so far. */
  onProgress?: (events: number) => void;
  /** Number of events in memory and on disk before they are converted to Parquet; 50,000 by default. */
  chunkSize?: number;
};

/**
 * Exports the stored events as Parquet, one file for each month in UTC. Reads only events that were stored since the last
 * export, and writes only months that have such events. The same events make the same files, however many exports
 * they came in. Events are read in pages, and DuckDB sorts a month on disk if that exceeds its memory.
 *
 * A reader sees a whole export or the one before, at any moment, even if this process is killed. If several processes
 * export into one folder at the same time, the one that began last takes over what the others have read.
 *
 * @throws {ExportOvertaken} if another process has begun or finished an export since
 * @throws {Error} the signal's reason, if it aborts
 * @example
 * const { events } = await exportEvents({ store, folder: 'data/analytics', signal });
 */
export async function exportEvents(options: ExportOptions): Promise<Manifest> {
  const { folder, signal, check = () => undefined } = options;
  await mkdir(stagingFolder(folder), { recursive: true });
  const last = await readManifest(folder);
  await removeLeftovers(folder, last);
  const by = randomUUID();
  const isOvertaken = async () => {
    const others = ((await exporterOf(folder)) ?? by) !== by;
    return others || (await readManifest(folder))?.number !== last?.number;
  };
  let next: Manifest;
  try {
    next = await writeExport(options, by, last);
  } catch (error) {
    // Its files are gone, for example.
    if (signal?.aborted || !(await isOvertaken())) throw error;
    throw new ExportOvertaken(folder, { cause: error });
  }
  check();
  if (await isOvertaken()) throw new ExportOvertaken(folder);
  await writeManifest(folder, next);
  await writeSparkScript(folder, next);
  await rm(stagingFolder(folder), { recursive: true, force: true, maxRetries: 3 });
  return next;
}

/** Writes the files of the next export. DuckDB is loaded only if there are new events. */
async function writeExport(options: ExportOptions, by: string, last?: Manifest): Promise<Manifest> {
  const { store, folder, signal = new AbortController().signal } = options;
  const { chunkSize = 50_000, onProgress = () => undefined, memory, threads = 1 } = options;
  const number = (last?.number ?? 0) + 1;
  const startedAt = new Date().toISOString();
  const temporaryFolder = join(stagingFolder(folder), `spill-${by}`);
  const duckdb = { memory, threads, signal, temporaryFolder };
  const begin = { number, by, startedAt, cursor: last?.cursor, events: 0, files: {} };
  const staged = await stage({ store, folder, duckdb, signal, chunkSize, onProgress }, begin);
  return merge(duckdb, folder, staged, last);
}

/** Writes each month that has new events again, with its old and its new events. */
async function merge(
  options: DuckDBOptions,
  folder: string,
  staged: Staged,
  last?: Manifest,
): Promise<Manifest> {
  const before = last?.months ?? {};
  const months = { ...before };
  for (const month of Object.keys(staged.files)) {
    months[month] = await withDuckDB(options, (duckdb) =>
      writeMonth(duckdb, folder, month, staged, before[month]),
    );
  }
  return {
    format: 1,
    number: staged.number,
    exportedAt: staged.startedAt,
    events: Object.values(months).reduce((sum, { events }) => sum + events, 0),
    cursor: staged.cursor,
    months: Object.fromEntries(Object.entries(months).sort(([a], [b]) => (a < b ? -1 : 1))),
    replaced: Object.keys(staged.files).flatMap((month) => before[month]?.file ?? []),
  };
}

/**
 * Sorts the rows of a month. A store may return an event twice: its rows are equal, so they are neighbours, and the
 * first remains. `DISTINCT` would do the same in a hash table, which does not fit into a small memory.
 */
async function writeMonth(
  duckdb: DuckDB,
  folder: string,
  month: string,
  staged: Staged,
  before?: MonthFile,
): Promise<MonthFile> {
  const files = (staged.files[month] ?? []).map((name) => join(stagingFolder(folder), name));
  if (before) files.push(join(folder, before.file));
  const file = `events/month=${month}/${staged.number}-${randomUUID()}.parquet`;
  await mkdir(join(folder, 'events', `month=${month}`), { recursive: true });
  const target = quoted(join(folder, file));
  await duckdb.run(
    `COPY (
       WITH
         sorted AS (
           SELECT * FROM read_parquet([${files.map(quoted).join(', ')}], hive_partitioning = false)
           ORDER BY happened_at, id
         ),
         neighbours AS (SELECT *, lag(id) OVER () AS previous_id FROM sorted)
       SELECT * EXCLUDE (previous_id) FROM neighbours WHERE id IS DISTINCT FROM previous_id
     ) TO ${target} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${rowGroupSize})`,
  );
  const counted = await duckdb.query(`SELECT count(*) FROM read_parquet(${target})`);
  return { file, events: Number(counted.rows[0]?.[0]) };
}
