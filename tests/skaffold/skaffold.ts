import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { type ServiceName, serviceNames } from '../../scripts/system.ts';

const run = promisify(execFile);

/** No command takes longer; milliseconds. */
const timeout = 900_000;

/**
 * Runs Skaffold in a copy of the repository, or in the repository itself, and resolves with what it prints.
 *
 * @throws with what Skaffold said, if it fails
 */
export async function skaffold(folder: string, ...args: string[]): Promise<string> {
  const { stdout } = await run('skaffold', args, { cwd: folder, timeout, maxBuffer: 2 ** 26 });
  return stdout;
}

/** Why tests with Skaffold are skipped, or nothing. @throws if it is missing and REQUIRE_CLUSTER is set */
export function skaffoldMissing(): string {
  const { error, status } = spawnSync('skaffold', ['version'], { stdio: 'ignore' });
  if (!error && status === 0) return '';
  if (process.env.REQUIRE_CLUSTER) throw new Error('REQUIRE_CLUSTER is set, but there is no skaffold');
  return ', skipped: no skaffold';
}

/** The tag of each service's image: the same as long as everything that goes into it is the same. */
export async function imageTags(folder: string): Promise<Map<ServiceName, string>> {
  const modules = ['--module', serviceNames.join(',')];
  const output = await skaffold(folder, 'build', '--dry-run', '--quiet', ...modules);
  const { builds } = JSON.parse(output) as { builds: { imageName: string; tag: string }[] };
  const tagOf = (name: ServiceName) => builds.find(({ imageName }) => imageName === `slipway/${name}`)?.tag;
  return new Map(serviceNames.map((name) => [name, tagOf(name) ?? `no image of ${name}`]));
}
