import { randomUUID } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';

/** The file of one month. Its name is relative to the folder of the export, and never used again. */
export type MonthFile = { file: string; events: number };

/**
 * Names the files of an export. The manifest is replaced in one step, and a file that it names is never changed, so a
 * reader sees a whole export or the one before.
 */
export type Manifest = {
  format: 1;
  /** Number of this export: 1 for the first into its folder. */
  number: number;
  /** When the export began to read the store; RFC 3339. */
  exportedAt: string;
  events: number;
  /** Where the next export begins to read the store. */
  cursor?: string;
  /** The months with events, by `YYYY-MM`. */
  months: Record<string, MonthFile>;
  /** Files of the export before, which a reader may still read. The next export deletes them. */
  replaced: string[];
};

const nameOf = (folder: string) => join(folder, 'manifest.json');

/**
 * Reads the manifest of the last export.
 *
 * @returns `undefined` if the folder has no export
 * @throws {Error} if it was written by another version
 */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  const manifest = await readJson<Manifest>(nameOf(folder));
  if (manifest && manifest.format !== 1) {
    throw new Error(
      `The export in ${folder} has the format ${manifest.format}, which this version cannot read; delete the folder.`,
    );
  }
  return manifest;
}

export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  await writeJson(nameOf(folder), manifest);
}

/** Returns the content of a JSON file, or `undefined` if there is none. */
export async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    // Cloud Storage FUSE ends the reading of a file that is replaced meanwhile. The next reading has the new content.
    if (code === 'ESTALE') return readJson(path);
    throw error;
  }
}

export async function writeJson(path: string, content: object): Promise<void> {
  await writeText(path, `${JSON.stringify(content, null, 2)}\n`);
}

/** Replaces a file in one step: a reader, or a process that starts after a crash, finds the old or the new content. */
export async function writeText(path: string, content: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  const file = await open(temporary, 'w');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}
