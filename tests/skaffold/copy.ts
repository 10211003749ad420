import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The repository in a temporary folder, where a test may edit it. */
export type Copy = {
  folder: string;
  /**
   * Replaces a text of a file; the function that is returned takes the edit back.
   *
   * @throws if the file does not hold the text
   */
  edit(path: string, from: string, to: string): () => void;
  remove(): void;
};

/** Copies what is not ignored by git, and shares the installed packages. */
export function copyRepository(): Copy {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-copy-'));
  const listed = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'];
  const paths = execFileSync('git', listed, { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean);
  for (const path of paths) cpSync(join(root, path), join(folder, path));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const read = (path: string) => readFileSync(join(folder, path), 'utf8');
  return {
    folder,
    edit(path, from, to) {
      const before = read(path);
      if (!before.includes(from)) throw new Error(`${path} does not hold ${from}`);
      const write = (text: string) => writeFileSync(join(folder, path), text);
      write(before.replace(from, to));
      return () => write(before);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
