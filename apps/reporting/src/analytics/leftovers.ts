import { randomUUID } from 'node:crypto';
import { glob, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Manifest } from './manifest.ts';

/**
 * Milliseconds after which a file that nothing names belongs to a process that was killed, and not to one that still
 * runs.
 */
const abandoned = 60 * 60_000;

/**
 * Returns a folder of its own in which a question may write what does not fit into DuckDB's memory. It lies beside the
 * export: the other folders of a container are read-only, or count as memory.
 */
export const spillFolder = (folder: string) => join(folder, 'spill', randomUUID());

/**
 * Deletes the files of months that neither the last export nor the one before it consists of, and what a question has
 * left whose process was killed. A file with the number of a later export belongs to one that is running, and so may a
 * young one with the number of the last export: two processes may have written an export with the same number.
 */
export async function removeLeftovers(folder: string, last?: Manifest): Promise<void> {
  const { number = 0, months = {}, replaced = [] } = last ?? {};
  const named = new Set([...Object.values(months).map(({ file }) => file), ...replaced]);
  for await (const file of glob('events/*/*.parquet', { cwd: folder })) {
    const writtenBy = Number.parseInt(basename(file), 10);
    if (writtenBy > number || named.has(file)) continue;
    const path = join(folder, file);
    if (writtenBy < number || (await isAbandoned(path))) await rm(path, { force: true });
  }
  for await (const spill of glob('spill/*', { cwd: folder })) {
    const path = join(folder, spill);
    if (await isAbandoned(path)) await rm(path, { recursive: true, force: true });
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  try {
    return (await stat(path)).mtimeMs < Date.now() - abandoned;
  } catch {
    // Somebody else has deleted it.
    return false;
  }
}
