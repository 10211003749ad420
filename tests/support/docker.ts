/** The Docker command line, for tests of images and of Compose. */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

const root = new URL('../..', import.meta.url);

/**
 * Runs a docker command in the root folder of the repository.
 *
 * @returns its standard output, without the last line end
 * @throws with what it said, if it fails
 * @example
 * await docker(['image', 'inspect', '-f', '{{.Size}}', 'slipway/users:dev']);
 */
export async function docker(args: string[], env: Record<string, string> = {}): Promise<string> {
  const options = { cwd: root, env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 };
  const { stdout } = await run('docker', args, options);
  return stdout.trimEnd();
}

/**
 * Why tests with Docker are skipped, or nothing if there is an engine.
 *
 * @param required name of the variable that is set where Docker must be there, as in CI
 * @throws if it is missing and required
 */
export function dockerMissing(required: string): string {
  const { error, status } = spawnSync('docker', ['info'], { stdio: 'ignore' });
  if (!error && status === 0) return '';
  if (process.env[required]) throw new Error(`${required} is set, but there is no Docker engine`);
  return ', skipped: no Docker engine';
}
