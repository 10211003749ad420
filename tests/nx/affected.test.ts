/** Nx runs again whatever a change can have broken, and nothing else. */
import { execFile, execFileSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { serviceNames, servicesOn } from '../../scripts/system.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

const listed = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'];
const files = execFileSync('git', listed, { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean);

async function nx(...args: string[]) {
  const env = { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' };
  const { stdout } = await run(`${root}/node_modules/.bin/nx`, ['show', ...args, '--json'], {
    cwd: root,
    env,
  });
  return JSON.parse(stdout);
}

const stores = ['store-datastore', 'store-mongodb', 'store-sqlite'];
const tested = ['contract-kit', 'contracts', 'platform', ...stores, ...serviceNames, 'examples'];
const everything = [...tested, 'generator', 'images'];

/** The projects that a change in a folder or file affects, beside the whole: its checks and its tests. */
const table: Record<string, string[]> = {
  ...Object.fromEntries(serviceNames.map((name) => [`apps/${name}`, [name]])),
  examples: ['examples'],
  'libs/contract-kit': tested,
  'libs/contracts': ['contracts', ...serviceNames, 'examples'],
  'libs/platform': ['platform', ...stores, ...serviceNames, 'examples'],
  'libs/store-datastore': ['store-datastore', ...servicesOn('datastore')],
  'libs/store-mongodb': ['store-mongodb', ...servicesOn('mongodb')],
  'libs/store-sqlite': ['store-sqlite', ...servicesOn('sqlite'), 'examples'],
  'scripts/generator': ['generator'],
  'scripts/images': ['images'],
  'nx.json': everything,
  'package-lock.json': everything,
  'package.json': [...tested, 'images'],
  'tsconfig.base.json': everything,
  'tsconfig.json': tested,
  'vitest.config.ts': tested,
  'vitest.setup.ts': tested,
};

const isIn = (path: string) => (file: string) => file === path || file.startsWith(`${path}/`);
const elsewhere = files.filter((file) => !Object.keys(table).some((path) => isIn(path)(file)));

/** Asks Nx which projects a change of one file of each folder affects. */
async function affectedBy(changed: string[]): Promise<string[]> {
  const samples = new Map(changed.map((file) => [dirname(file), file]));
  const projects: string[] = await nx('projects', '--affected', `--files=${[...samples.values()]}`);
  return projects.sort();
}

const andTheWhole = (names: string[]) =>
  ['slipway', ...['tests', ...names].map((name) => `@slipway/${name}`)].sort();

describe('what is tested again', () => {
  it.concurrent.each(Object.entries(table))(
    'after a change in %s is %j and the whole',
    async (path, names) => {
      expect(await affectedBy(files.filter(isIn(path)))).toEqual(andTheWhole(names));
    },
  );

  it('after a change anywhere else is the whole alone', async () => {
    expect(elsewhere).toContain('k8s/base/network/kustomization.yaml');
    expect(await affectedBy(elsewhere)).toEqual(andTheWhole([]));
  });
});

describe('a change of any file', () => {
  it.each(['slipway:types', 'slipway:lint', 'slipway:imports', 'slipway:unused', '@slipway/tests:test'])(
    'makes a cached result of %s useless',
    async (target) => {
      const inputs = await nx('target', 'inputs', target);
      expect(files.filter((file) => !inputs.files.includes(file))).toEqual([]);
    },
  );
});
