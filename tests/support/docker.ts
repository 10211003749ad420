/** The Docker command line, for tests of images and of Compose. */
import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Runs a docker command in a folder, by default in the root folder of the repository.
 *
 * @returns its standard output, without the final line break
 * @throws with the output of docker, if the command fails
 * @example
 * await docker(['image', 'inspect', '-f', '{{.Size}}', 'slipway/users:dev']);
 */
export async function docker(args: string[], env: Record<string, string> = {}, cwd = root): Promise<string> {
  const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 };
  const { stdout } = await run('docker', args, options);
  return stdout.trimEnd();
}

/**
 * Returns the reason why tests with Docker are skipped, as a part of their name; an empty string if they run. They run only if a
 * variable requests them, because they pull and build images and start many containers.
 *
 * @throws if the variable is set and there is no Docker engine
 * @example
 * const why = whySkipped('REQUIRE_IMAGES'); // ', skipped: REQUIRE_IMAGES=1 is not set'
 */
export function whySkipped(variable: string): string {
  if (!process.env[variable]) return `, skipped: ${variable}=1 is not set`;
  const { error, status } = spawnSync('docker', ['info'], { stdio: 'ignore' });
  if (error || status !== 0) throw new Error(`${variable} is set, but there is no Docker engine`);
  return '';
}
