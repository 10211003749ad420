import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The work of both programs. It fails while something else than a folder is at the path. */
export async function writeReport(folder: string): Promise<void> {
  await appendFile(attemptsOf(folder), 'attempt\n');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'report.txt'), new Date().toISOString());
}

/** The file with a line for each attempt, which the measurement reads. */
export const attemptsOf = (folder: string) => `${folder}.attempts`;
