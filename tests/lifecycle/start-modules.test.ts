/** Most of a start is reading and compiling modules, so a service must not load more of them than it needs. */
import { execFileSync } from 'node:child_process';
import process from 'node:process';
import { logIn } from '@slipway/contracts/users';
import { beforeAll, expect, it } from 'vitest';
import { serviceNames } from '../../scripts/system.ts';
import { ok } from '../support/http.ts';
import { loadedModules } from '../support/loaded-modules.ts';
import { newPerson } from '../support/people.ts';
import { startSystem } from '../support/system.ts';

/** The maximum number of modules. */
const max = 750;

/** Packages that are loaded only when they are needed, or whose types alone are used. */
const absent = [
  'typebox',
  '@fastify/swagger-ui',
  '@opentelemetry/sdk-node',
  '@opentelemetry/sdk-trace',
  '@grpc/grpc-js',
];

let modules: Record<string, string[]>;
beforeAll(async () => {
  modules = await loadedModules();
}, 60_000);

const ofPackages = (service: string) => modules[service]?.filter((url) => url.startsWith('file:')) ?? [];

it.each(serviceNames)('%s starts with at most 750 modules', (service) => {
  const loaded = ofPackages(service);
  console.log(`${service}: ${loaded.length} modules`);
  expect(loaded.length).toBeGreaterThan(400);
  expect(loaded.length).toBeLessThanOrEqual(max);
});

it.each(serviceNames)('%s starts without packages that it does not need yet', (service) => {
  const packages = new Set(
    ofPackages(service).map((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1]),
  );
  expect(packages).toContain('fastify');
  expect(absent.filter((name) => packages.has(name))).toEqual([]);
  expect(ofPackages(service).filter((url) => url.endsWith('/undici/index.js'))).toEqual([]);
});

it.each(serviceNames)('%s does not load fetch and WebSocket of Node with its own code', (service) => {
  const app = new URL(`../../apps/${service}/src/app.ts`, import.meta.url);
  const program = `await import(${JSON.stringify(app)}); console.log(process.moduleLoadList.join())`;
  const loaded = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  expect(loaded).toContain('NativeModule http');
  expect(loaded).not.toContain('undici/undici');
});

/** A module that prints, when a process exits, whether Node's fetch was loaded. */
const fetchPrinter = `
  process.on('exit', () => {
    const isLoaded = process.moduleLoadList.some((each) => each.includes('undici/undici'));
    process.stderr.write('fetch: ' + isLoaded + '\\n');
  });
`;

it('none loads fetch of Node to serve its first requests: that would delay them by 20 ms', async () => {
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(fetchPrinter)}`;
  const system = await startSystem({ env: { NODE_OPTIONS } });
  const { token } = await newPerson(system.base);
  const { accessToken: admin } = await ok(system.base, logIn, { body: system.admin });
  // One path of each service behind the gateway.
  const paths = { '/users/me': token, '/subscriptions': token, '/reports/recurring': admin };
  for (const [path, bearer] of Object.entries(paths)) {
    const headers = { authorization: `Bearer ${bearer}` };
    expect((await fetch(`${system.base}/api/v1${path}`, { headers })).status).toBe(200);
  }
  await system.stop();
  for (const name of serviceNames) expect(system.services[name].output).toContain('fetch: false');
});
