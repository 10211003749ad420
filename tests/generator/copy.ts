import { execFile } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The committed repository and its installed packages in a temporary folder, where services may be made. */
export type Copy = {
  folder: string;
  /** Runs a command in the copy. `env` adds variables. */
  run(command: string, args: string[], env?: Record<string, string>): Promise<string>;
  /** Runs `npx nx g service` in the copy. */
  generate(...args: string[]): Promise<string>;
  /** Replaces a text in all files that a pattern names. */
  replace(files: string, from: RegExp, to: string): void;
  remove(): Promise<void>;
};

export async function copyWithPackages(): Promise<Copy> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-generator-'));
  const run: Copy['run'] = async (command, args, env) => {
    const quiet = { NX_DAEMON: 'false', NX_TUI: 'false', NO_COLOR: '1' };
    const options = { cwd: folder, env: { ...process.env, ...quiet, ...env }, maxBuffer: 1e8 };
    try {
      return (await promisify(execFile)(command, args, options)).stdout;
    } catch (error) {
      const { message, stdout } = error as { message: string; stdout: string };
      throw new Error(`${message}\n${stdout}`);
    }
  };
  await run('git', ['clone', '--quiet', root, '.']);
  await cp(`${root}node_modules`, `${folder}/node_modules`, {
    ...{ recursive: true, verbatimSymlinks: true },
    // Files in caches come and go.
    filter: (path) => !path.endsWith('node_modules/.cache'),
  });
  return {
    folder,
    run,
    generate: (...args) => run('npx', ['nx', 'g', 'service', ...args]),
    replace(files, from, to) {
      for (const file of globSync(files, { cwd: folder })) {
        const path = join(folder, file);
        writeFileSync(path, readFileSync(path, 'utf8').replaceAll(from, to));
      }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
