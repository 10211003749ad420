import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isSynchronous } from '@slipway/platform/core/synchronous';
import type { ServiceDefinition, ServiceStore } from '@slipway/platform/service/service';
import { readSettings } from '@slipway/platform/service/settings';
import { createLogs } from '@slipway/platform/telemetry/log';
import { createMetrics, type Metrics } from '@slipway/platform/telemetry/metrics';
import { observeStore } from '@slipway/platform/telemetry/observe-store';
import type { TObject } from 'typebox';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { serviceNames, storesOf } from '../../scripts/system.ts';
import { definitions } from '../support/definitions.ts';
import { realDatabases, realServers } from '../support/stores.ts';

const { TEST_MONGODB_URL, DATASTORE_EMULATOR_HOST } = process.env;
const folder = mkdtempSync(join(tmpdir(), 'slipway-operations-'));
const databases = realDatabases(realServers(), folder);
const mongodb = TEST_MONGODB_URL ? '' : ' (skipped: TEST_MONGODB_URL is not set)';
const datastore = DATASTORE_EMULATOR_HOST ? '' : ' (skipped: DATASTORE_EMULATOR_HOST is not set)';
const secrets = { SERVICE_TOKEN: 'secret-between-services', SANDBOX_URL: `sqlite:${folder}/sandbox.db` };
const embedded = { STORE_URL: 'sqlite::memory:' };

const opened: ServiceStore[] = [];

const skippedOn = { sqlite: '', mongodb, datastore };

const stores = serviceNames.flatMap((service) =>
  storesOf(service).map((technology) => ({
    name: `${service} on ${technology}`,
    open: () => open(definitions[service], technology === 'sqlite' ? embedded : databases.settings[service]),
    skipped: skippedOn[technology],
  })),
);

afterAll(async () => {
  await Promise.all(opened.map((store) => store.close()));
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
  if (!mongodb && !datastore) await databases.drop();
});

describe('the operations of every store', () => {
  for (const { name, open, skipped } of stores) {
    it.skipIf(skipped)(`${name}: are declared at 0, and nothing else is${skipped}`, async () => {
      const store = await open();
      const metrics = createMetrics('test', '0');
      observeStore(store, metrics);
      const functions = functionsOf(store, '');
      const operations = functions.filter(({ work }) => !isSynchronous(work));
      expect(await declared(metrics)).toEqual(operations.map(({ name }) => name).sort());
      expect(operations.length).toBeGreaterThan(5);
      await Promise.all(operations.map(expectPromise));
      const wrong = functions.filter(({ work }) => isSynchronous(work) && isAsync(work));
      expect(wrong).toEqual([]);
    });
  }
});

async function open<Schema extends TObject, Store extends ServiceStore | undefined>(
  definition: ServiceDefinition<Schema, Store>,
  env: Record<string, string> = {},
): Promise<ServiceStore> {
  // Google's libraries look for an emulator in the environment itself.
  for (const [key, value] of Object.entries(env)) vi.stubEnv(key, value);
  const settings = readSettings(definition.settings, { ...secrets, ...env });
  const store = await definition.openStore?.(settings, createLogs('test', 'silent').log);
  if (!store) throw new TypeError(`${definition.name} has no store`);
  opened.push(store);
  return store;
}

type Named = { name: string; owner: object; work: (...args: unknown[]) => unknown };

/** The functions of a store and of its parts, by their paths. */
function functionsOf(owner: object, path: string): Named[] {
  return Object.entries(owner).flatMap(([key, value]): Named[] => {
    if (typeof value === 'function') return [{ name: path + key, owner, work: value }];
    const isPart = value?.constructor === Object;
    return isPart ? functionsOf(value, `${path}${key}.`) : [];
  });
}

async function declared({ registry }: Metrics): Promise<unknown[]> {
  const metric = await registry.getSingleMetric('dependency_call_duration_seconds')?.get();
  const values = (metric?.values ?? []) as { metricName?: string; value: number; labels: object }[];
  const counts = values.filter(({ metricName }) => metricName?.endsWith('_count'));
  expect(counts.every(({ value }) => value === 0)).toBe(true);
  return counts.map(({ labels }) => (labels as { operation: string }).operation).sort();
}

const isAsync = (work: object) => work.constructor.name === 'AsyncFunction';

/** An `async` function always returns a promise; any other one is asked, with nothing that it could store. */
async function expectPromise({ name, owner, work }: Named): Promise<void> {
  if (isAsync(work) || name === 'close') return;
  const result = work.apply(owner, ['none', {}]);
  expect(result, name).toBeInstanceOf(Promise);
  await (result as Promise<unknown>).catch(() => undefined);
}
