import { randomUUID } from 'node:crypto';
import { access, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type DuckDBOptions, quoted, withDuckDB } from './duckdb.ts';
import type { EventPages } from './event-pages.ts';
import { columns, isExported, rowOf } from './event-rows.ts';
import { readJson, writeJson } from './manifest.ts';

/**
 * Events that an export has read from the store and not published yet. They are written in chunks, so that memory is
 * bounded, and an export that was stopped goes on after its last chunk.
 */
export type Staged = {
  /** The number of the export that they belong to. */
  number: number;
  /** The ID of the process that exports. The one that began last takes over what others have read. */
  by: string;
  /** When this export began; RFC 3339. */
  startedAt: string;
  /** Where the next chunk begins to read the store. */
  cursor?: string;
  events: number;
  /** The files of each month (`YYYY-MM`), relative to the folder of staged events. The first segment is the chunk. */
  files: Record<string, string[]>;
};

const pageSize = 500;
/** Bytes of a line. DuckDB's buffers have twice this size; by default they take 32 MB for each thread. */
const maxLineSize = 1024 * 1024;

type Parts = {
  store: EventPages;
  folder: string;
  duckdb: DuckDBOptions;
  signal: AbortSignal;
  /** Number of events in a chunk, which has one file for each month. */
  chunkSize: number;
  onProgress(events: number): void;
};

export const stagingFolder = (folder: string) => join(folder, 'staging');
const stateOf = (folder: string) => join(stagingFolder(folder), 'staged.json');

/** Thrown if another process has begun or finished an export into the same folder. */
export class ExportOvertaken extends Error {
  constructor(folder: string, options?: ErrorOptions) {
    super(
      `Another process exports into ${folder} now, or has just done so. Try again when it has ended.`,
      options,
    );
    this.name = 'ExportOvertaken';
  }
}

/** Returns the ID of the process that began last to export into a folder; `undefined` if none is exporting. */
export const exporterOf = async (folder: string) => (await readJson<Staged>(stateOf(folder)))?.by;

/**
 * Writes all events that the store has after a cursor into chunks.
 *
 * @param begin the state of an export that begins; another one that was stopped and has the same number goes on instead
 * @throws {ExportOvertaken} if another process has begun to export since
 */
export async function stage(parts: Parts, begin: Staged): Promise<Staged> {
  const { folder } = parts;
  await mkdir(stagingFolder(folder), { recursive: true });
  const stopped = await readJson<Staged>(stateOf(folder));
  const goesOn = stopped?.number === begin.number && (await hasFiles(folder, stopped));
  let staged = goesOn ? { ...stopped, by: begin.by } : begin;
  await writeJson(stateOf(folder), staged);
  await removeOthers(folder, staged);
  for (;;) {
    const next = await addChunk(parts, staged);
    if ((await exporterOf(folder)) !== begin.by) throw new ExportOvertaken(folder);
    await writeJson(stateOf(folder), next);
    if (next.events === staged.events) return next;
    staged = next;
  }
}

/** Returns whether all chunks are there: two processes that were killed may have deleted each other's. */
async function hasFiles(folder: string, { files }: Staged): Promise<boolean> {
  try {
    await Promise.all(
      Object.values(files)
        .flat()
        .map((file) => access(join(stagingFolder(folder), file))),
    );
    return true;
  } catch {
    return false;
  }
}

/** Removes what a stopped export has left: chunks that its state does not name. */
async function removeOthers(folder: string, { files }: Staged): Promise<void> {
  const chunks = new Set(Object.values(files).flatMap((each) => each.map((file) => file.split('/', 1)[0])));
  for (const name of await readdir(stagingFolder(folder))) {
    const path = join(stagingFolder(folder), name);
    if (path !== stateOf(folder) && !chunks.has(name)) await rm(path, { recursive: true, force: true });
  }
}

/** Writes the next events as one chunk. */
async function addChunk(parts: Parts, staged: Staged): Promise<Staged> {
  const { folder } = parts;
  const name = randomUUID();
  const lines = join(stagingFolder(folder), `${name}.ndjson`);
  const { events, cursor } = await writeLines(parts, lines, staged);
  if (events === 0) return { ...staged, cursor };
  const chunk = join(stagingFolder(folder), name);
  const types = Object.entries(columns).map(([column, type]) => `${column}: '${type}'`);
  const sql = `COPY (SELECT * FROM read_ndjson(
      ${quoted(lines)}, maximum_object_size = ${maxLineSize}, columns = {${types.join(', ')}}))
    TO ${quoted(chunk)} (FORMAT parquet, PARTITION_BY (month), WRITE_PARTITION_COLUMNS true)`;
  await withDuckDB(parts.duckdb, (duckdb) => duckdb.run(sql));
  await rm(lines);
  const files = { ...staged.files };
  for (const partition of await readdir(chunk)) {
    const month = partition.replace('month=', '');
    const written = await readdir(join(chunk, partition));
    files[month] = [...(files[month] ?? []), ...written.map((file) => `${name}/${partition}/${file}`)];
  }
  return { ...staged, cursor, events: staged.events + events, files };
}

/** Writes the rows of the next events to a file, one JSON object a line. One page is in memory at a time. */
async function writeLines(
  { store, signal, chunkSize, onProgress }: Parts,
  path: string,
  staged: Staged,
): Promise<{ events: number; cursor?: string }> {
  const file = await open(path, 'w');
  let { cursor } = staged;
  let events = 0;
  try {
    while (events < chunkSize) {
      signal.throwIfAborted();
      const page = await store.storedEvents(cursor, pageSize);
      cursor = page.cursor;
      if (page.events.length === 0) break;
      const exported = page.events.filter(isExported);
      await file.write(exported.map((event) => `${JSON.stringify(rowOf(event))}\n`).join(''));
      events += exported.length;
      onProgress(staged.events + events);
    }
    return { events, cursor };
  } finally {
    await file.close();
    if (events === 0) await rm(path);
  }
}
