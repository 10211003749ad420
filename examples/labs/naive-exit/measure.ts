/**
 * Replaces two replicas of billing, one after the other, under load, beside the system of `npm start`:
 *
 *   node examples/labs/naive-exit/measure.ts          with the platform's drain
 *   node examples/labs/naive-exit/measure.ts naive    without a drain
 *
 * They stand behind a gateway of their own, whose ports are 10 above those of the gateway of `npm start`.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { ensureSecrets } from '../../../scripts/secrets.ts';
import { appOf, type ServiceProcess, startProcess } from '../../../scripts/service-process.ts';
import { type ServiceName, serviceNames, system } from '../../../scripts/system.ts';
import { type Ports, type ServiceSpec, topology } from '../../../scripts/topology.ts';
import { describe, type Outcomes } from '../../support/load.ts';
import { openService } from '../../support/local-service.ts';
import { freePort } from '../../support/ports.ts';
import { startTraffic } from './traffic.ts';

const naive = process.argv[2] === 'naive';
const { DATA_DIR: dataDir = 'data', TOKEN: token = '', SUBSCRIPTION: subscriptionId = '' } = process.env;
const secrets = ensureSecrets(dataDir, process.env);

const portOf = (variable: string, usual: number) => Number(process.env[variable] || usual);
const ports = Object.fromEntries(
  serviceNames.map((name) => {
    const prefix = name.toUpperCase();
    const port = portOf(`${prefix}_PORT`, system[name].port);
    return [name, { port, management: portOf(`${prefix}_MANAGEMENT_PORT`, system[name].management) }];
  }),
) as Ports;

/** Adds counts up. */
function added(all: Outcomes[]): Outcomes {
  const sum: Outcomes = {};
  for (const outcomes of all)
    for (const [outcome, count] of Object.entries(outcomes)) sum[outcome] = (sum[outcome] ?? 0) + count;
  return sum;
}

/** Returns a service as `npm start` runs it, but on other ports. */
function specOn(name: ServiceName, port: number, management: number): ServiceSpec {
  const specs = topology({ dataDir, secrets, ports: { ...ports, [name]: { port, management } } });
  return specs.find((spec) => spec.name === name) as ServiceSpec;
}

/** Starts a process. Resolves when it is ready. */
async function start({ name, settings }: ServiceSpec, main: URL, env = {}): Promise<ServiceProcess> {
  const quiet = { LOG_LEVEL: 'error', OTEL_TRACES_EXPORTER: 'none', DRAIN_DELAY_MS: '1000' };
  const started = startProcess(
    name,
    main,
    { ...process.env, ...quiet, ...settings, ...env },
    () => undefined,
  );
  await started.ready;
  return started;
}

const main = new URL('billing.ts', import.meta.url);
const billings: ServiceSpec[] = [];
for (const _ of [1, 2, 3, 4]) billings.push(specOn('billing', await freePort(), await freePort()));

/** One address in front of the replicas, as Kubernetes gives them. */
const service = await openService();

async function startBilling(spec: ServiceSpec): Promise<{ stop(): Promise<void> }> {
  const replica = await start(spec, main, naive ? { NAIVE: '1' } : {});
  const port = Number(new URL(spec.address).port);
  service.add(port);
  return {
    async stop() {
      replica.kill('SIGTERM');
      // The Service learns of it a little later, as in a cluster.
      await wait(200);
      service.remove(port);
      await replica.exited;
    },
  };
}

const [old, next] = [billings.slice(0, 2), billings.slice(2)];
const replicas = await Promise.all(old.map(startBilling));
const gateway = await start(
  specOn('gateway', ports.gateway.port + 10, ports.gateway.management + 10),
  appOf('gateway'),
  {
    BILLING_URL: `http://127.0.0.1:${service.port}`,
    BILLING_STATUS_URL: billings.map(({ management }) => `${management}/status`).join(),
  },
);
const base = `http://127.0.0.1:${ports.gateway.port + 10}`;
console.log(`${base}/#rollouts shows it`);
const traffic = startTraffic({ base, token, subscriptionId });
await wait(2_000);
for (const spec of next) {
  replicas.push(await startBilling(spec));
  await wait(2_000);
  await replicas.shift()?.stop();
}
await wait(1_000);
const results = await traffic.stop();
for (const [kind, outcomes] of Object.entries(results)) console.log(`${kind}: ${describe(outcomes)}`);
console.log(
  `${naive ? 'without a drain' : "with the platform's drain"}: ${describe(added(Object.values(results)))}`,
);
gateway.kill('SIGTERM');
await gateway.exited;
await Promise.all(replicas.map(({ stop }) => stop()));
service.close();
