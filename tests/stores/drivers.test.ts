/** A service installs and loads the database drivers and store libraries of its own store alone. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { type ServiceName, serviceNames, storesOf } from '../../scripts/system.ts';
import { loadedModules } from '../support/loaded-modules.ts';
import { drivers, driversOf } from '../support/stores.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

const isOfStore = (name: string) => drivers.includes(name) || name.startsWith('@slipway/store-');

const packagesOfStores = (service: ServiceName) => [
  ...driversOf(service),
  ...storesOf(service).map((store) => `@slipway/store-${store}`),
];

/** Returns the packages of `npm ci --omit=dev --workspace apps/<service>`, as the lock file has them. */
async function installed(service: ServiceName): Promise<string[]> {
  const args = ['ls', '--package-lock-only', '--omit=dev', '--all', '--parseable'];
  const { stdout } = await run('npm', [...args, '--workspace', `apps/${service}`], { cwd: root });
  return stdout.split('\n').map((path) => path.replace(/^.*node_modules\//, ''));
}

it.each(serviceNames)('an install of %s has the driver of its own database alone', async (service) => {
  const packages = await installed(service);
  expect(packages).toContain('fastify');
  expect(packages.filter(isOfStore).sort()).toEqual(packagesOfStores(service).sort());
});

it('a process with an embedded store loads no driver, and one without a store loads no store library', async () => {
  const loaded = await loadedModules();
  for (const service of serviceNames) {
    const modules = loaded[service] ?? [];
    expect(
      modules.filter((url) => /\/node_modules\/(mongodb|@google-cloud)\//.test(url)),
      service,
    ).toEqual([]);
    const libraries = new Set(modules.map((url) => /\/libs\/([^/]+)/.exec(url)?.[1]));
    expect(libraries, service).toContain('platform');
    const ofStore = [...libraries].filter((name) => name?.startsWith('store-'));
    expect(ofStore, service).toEqual(storesOf(service).includes('sqlite') ? ['store-sqlite'] : []);
  }
});
