import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** With REQUIRE_MANIFESTS=1 a missing program fails a test instead of skipping it. */
const required = Boolean(process.env.REQUIRE_MANIFESTS);

/**
 * The programs of `names` that are not on the PATH, for `describe.skipIf`; none are missing where they are required,
 * so that the test fails by itself.
 */
export function missingTools(...names: string[]): string {
  if (required) return '';
  return names.filter((name) => pathOf(name) === undefined).join(', ');
}

/** Where a program is; `undefined` if it is not on the PATH. */
export function pathOf(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
}

/**
 * Runs a program to its end and returns what it prints.
 *
 * @throws {Error} with all that it printed, if it fails.
 */
export function run(program: string, args: string[], input = ''): string {
  try {
    return execFileSync(program, args, {
      input,
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
      timeout: 120_000,
      stdio: 'pipe',
    });
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    throw new Error(`${program} ${args.join(' ')}\n${stdout}${stderr || message}`);
  }
}

/** Why there is no cluster to ask; empty if there is one, or if there must be one. */
export function missingCluster(): string {
  if (required) return '';
  try {
    run('kubectl', ['get', 'namespace', 'slipway', '--request-timeout=5s']);
    return '';
  } catch {
    return 'no cluster with the namespace slipway answers';
  }
}
