/** A service is added with one row: all that reads the table knows it, with no further change. */
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { expect, it, vi } from 'vitest';

const name = 'extra';
const row = {
  help: 'More.',
  port: 4098,
  management: 4198,
  calls: ['billing'],
  eventsTo: ['reporting'],
  readsKeys: true,
  store: 'sqlite+mongodb',
  serviceToken: true,
  jobs: true,
};

/** Loads the table with one more row at its end. Nothing is written to a file. */
function tableWith(added: typeof row): Promise<object> {
  const source = readFileSync(new URL('../../scripts/system.ts', import.meta.url), 'utf8');
  const longer = source.replace('\n});\n', `\n  ${name}: ${JSON.stringify(added)},\n});\n`);
  return import(`data:text/javascript,${encodeURIComponent(stripTypeScriptTypes(longer))}`);
}

vi.mock('../../scripts/system.ts', () => tableWith(row));
const { dashboards } = await import('../../k8s/observability/grafana/dashboards.ts');
const { completeSecrets } = await import('../../scripts/cluster/secret-values.ts');
const { buildArgs } = await import('../../scripts/images/build-args.ts');
const { newSecrets } = await import('../../scripts/secrets.ts');
const { serviceNames, stopOrder } = await import('../../scripts/system.ts');
const { localPorts, topology } = await import('../../scripts/topology.ts');
const extra = name as (typeof serviceNames)[number];

it('`npm start` and the tests run it, with its addresses, its store and its secrets', () => {
  const secrets = newSecrets();
  const system = topology({ dataDir: 'data', ports: localPorts, secrets });
  expect(system.at(-1)).toEqual({
    name,
    address: 'http://127.0.0.1:4098',
    management: 'http://127.0.0.1:4198',
    settings: {
      HOST: '127.0.0.1',
      PORT: '4098',
      MANAGEMENT_PORT: '4198',
      MANAGEMENT_TOKEN: secrets.managementToken,
      EXPERIMENTS_TOKEN: secrets.experimentsToken,
      SERVICE_TOKEN: secrets.serviceToken,
      STORE_URL: 'sqlite:data/extra.db',
      USERS_URL: 'http://127.0.0.1:4001',
      BILLING_URL: 'http://127.0.0.1:4002',
      REPORTING_URL: 'http://127.0.0.1:4003',
    },
  });
});

it('the gateway is told where it is', () => {
  const [gateway] = topology({ dataDir: 'data', ports: localPorts, secrets: newSecrets() });
  expect(gateway?.settings).toMatchObject({
    EXTRA_URL: 'http://127.0.0.1:4098',
    EXTRA_STATUS_URL: 'http://127.0.0.1:4198/status',
  });
});

it('it stops after its callers and before the services that it calls', () => {
  const stage = (service: string) => stopOrder.findIndex((group) => group.some((each) => each === service));
  expect(stage('gateway')).toBeLessThan(stage(name));
  expect(stage(name)).toBeLessThan(stage('billing'));
  expect(stage('billing')).toBeLessThan(stage('reporting'));
});

it('its image has its store libraries', () => {
  expect(buildArgs(extra)).toEqual({
    SERVICE: name,
    EMBEDDED: 'store-sqlite',
    DATABASE: 'store-mongodb',
  });
});

it('the cluster has its database account', () => {
  const secrets = completeSecrets({});
  expect(new URL(secrets['extra-store-url'] ?? '')).toMatchObject({ username: name, pathname: `/${name}` });
});

it('Grafana has its page, with its store, its outbox and its jobs', () => {
  const page = dashboards.find(({ uid }) => uid === 'slipway-extra');
  const titles = (uid: string) => dashboards.find((each) => each.uid === uid)?.rows.map(({ title }) => title);
  expect(page?.help).toBe('More.');
  expect(titles('slipway-extra')).toEqual(titles('slipway-billing'));
});

it('services that call each other are rejected, because no order of a stop would be right', async () => {
  await expect(tableWith({ ...row, calls: ['extra'] })).rejects.toThrow(/extra.*cycle/);
});
