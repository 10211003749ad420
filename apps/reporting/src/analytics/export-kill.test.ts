import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { openStore } from '../store/open.ts';
import { storeHistory } from '../testing/history.ts';
import { quoted, withDuckDB } from './duckdb.ts';
import { exportEvents } from './export.ts';
import { type Manifest, readManifest } from './manifest.ts';

/** The moments are the same in each run. Another seed has others. */
const seed = 15;

/** Returns random moments in milliseconds. */
const moments = (count: number, max: number) => fc.sample(fc.nat({ max }), { seed, numRuns: count });

/** Kills a process that exports again and again, some milliseconds after its first export. */
async function killWhileExporting(url: string, folder: string, delay: number): Promise<void> {
  const program = join(import.meta.dirname, '../testing/exporter.ts');
  const child = spawn(process.execPath, [program, url, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  await wait(delay);
  child.kill('SIGKILL');
  const [code, signal] = await once(child, 'close');
  expect({ code, signal }).toEqual({ code: null, signal: 'SIGKILL' });
}

async function idsIn(folder: string, { months }: Manifest): Promise<string[]> {
  const files = Object.values(months).map(({ file }) => quoted(join(folder, file)));
  const sql = `SELECT id FROM read_parquet([${files.join(', ')}])`;
  const options = { temporaryFolder: join(folder, 'spill') };
  const { rows } = await withDuckDB(options, (duckdb) => duckdb.query(sql));
  return rows.map(([id]) => String(id));
}

/** The files that the script for Spark reads, each of which must be there. */
async function filesOfScript(folder: string): Promise<string[]> {
  const script = await readFile(join(folder, 'spark.sql'), 'utf8');
  const files = script.match(/events\/[^,}]+/g) ?? [];
  await Promise.all(files.map((file) => access(join(folder, file))));
  return files;
}

it('a process that is killed in the middle of an export leaves the last whole export', async () => {
  const root = await mkdtemp(join(tmpdir(), 'export-kill-'));
  onTestFinished(() => rm(root, { recursive: true }));
  const folder = join(root, 'export');
  const url = `sqlite:${root}/reporting.db`;
  let number = 0;
  for (const delay of moments(8, 350)) {
    await killWhileExporting(url, folder, delay);
    const manifest = await readManifest(folder);
    if (!manifest) throw new Error('There is no export');
    const ids = await idsIn(folder, manifest);
    // SQLite's cursor is the number of events that were stored before it.
    expect(ids).toHaveLength(Number(manifest.cursor));
    expect(new Set(ids).size).toBe(manifest.events);
    expect((await filesOfScript(folder)).length).toBeGreaterThan(0);
    expect(manifest.number).toBeGreaterThan(number);
    number = manifest.number;
  }
  const store = await openStore(url);
  onTestFinished(() => store.close());
  const last = await exportEvents({ store, folder });
  expect(await idsIn(folder, last)).toHaveLength(Number(last.cursor));
}, 120_000);

it('a first export that is killed at any moment leaves no export, or the whole one', async () => {
  const root = await mkdtemp(join(tmpdir(), 'export-kill-'));
  onTestFinished(() => rm(root, { recursive: true }));
  const [folder, path] = [join(root, 'export'), join(root, 'reporting.db')];
  storeHistory(path, 50_000);
  const program = join(import.meta.dirname, '../testing/measured-export.ts');
  for (const delay of moments(6, 1_500)) {
    const child = spawn(process.execPath, [program, `sqlite:${path}`, folder], { stdio: 'ignore' });
    // It may have ended by itself before it is killed.
    const closed = once(child, 'close');
    await wait(delay);
    child.kill('SIGKILL');
    await closed;
    const manifest = await readManifest(folder);
    if (manifest) expect(new Set(await idsIn(folder, manifest)).size).toBe(50_000);
  }
  const store = await openStore(`sqlite:${path}`);
  onTestFinished(() => store.close());
  expect(new Set(await idsIn(folder, await exportEvents({ store, folder }))).size).toBe(50_000);
}, 120_000);
