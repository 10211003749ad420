import type { Server } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import type { Static, TObject } from 'typebox';
import { createUpstream, type Upstream } from '../calls/upstream.ts';
import type { App } from '../core/app.ts';
import type { Connections } from '../core/connections.ts';
import type { OutboxStore } from '../events/outbox.ts';
import type { Experiments } from '../experiments/experiments.ts';
import { registerServiceFault } from '../experiments/service-fault.ts';
import { type IdempotencyStore, registerIdempotency } from '../http/idempotency.ts';
import { registerProblemResponses } from '../http/problem-responses.ts';
import type { JobStore } from '../jobs/job-record.ts';
import { type GuardSet, type Guards, registerGuards } from '../overload/guards.ts';
import { registerWork } from '../overload/sample-work.ts';
import { limitTime } from '../overload/time-limit.ts';
import { createLogs, type LogDestination, type Logger } from '../telemetry/log.ts';
import { createMetrics, type Metrics } from '../telemetry/metrics.ts';
import { registerObservation } from '../telemetry/observe.ts';
import { measureConnections, observeStore } from '../telemetry/observe-store.ts';
import { createTracing, type Tracing } from '../telemetry/tracing.ts';
import { type ClientConnections, superviseConnections } from './connections.ts';
import { createHttpServer } from './http-server.ts';
import { Lifecycle } from './lifecycle.ts';
import { measureLifecycle } from './lifecycle-metrics.ts';
import { createManagement } from './management.ts';
import { createExperiments } from './process-experiments.ts';
import type { PlatformSettings } from './settings.ts';
import { createStatus, type Status } from './status.ts';

/** The part of a store that the platform uses. The service's own part is known only to the service. */
export type ServiceStore = {
  /** Resolves if the store responds; rejects if it is unreachable. */
  ping(): Promise<void>;
  close(): Promise<void>;
  /** The kind of server that stores the data, as traces name it, such as `mongodb`; absent if the store is embedded. */
  server?: string;
  /** Returns the connections of a store that uses a server. */
  connections?(): Connections;
  /** Required if routes of the service require an `Idempotency-Key`. */
  idempotency?: IdempotencyStore;
  /** Required if the service has jobs. With it, the job `idempotencyCleanup` deletes expired idempotency keys. */
  jobs?: JobStore;
  /** Required if the service publishes events. */
  outbox?: OutboxStore;
};

/** The parts of the platform that a service's own code receives. */
export type ServiceContext<Settings, Store> = {
  settings: Settings;
  store: Store;
  log: Logger;
  metrics: Metrics;
  tracing: Tracing;
  /** The state of the service: starting, ready or draining, for example. */
  lifecycle: Lifecycle;
  /** Describes this process, as the management port does at /status. */
  status: () => Promise<Status>;
  /** Makes the client of another service, which is measured, and closed with this service. */
  upstream: (name: string, address: string) => Upstream;
  /** The experiment that runs in this process. */
  experiments: Experiments;
  /** Divides the service between clients under overload; without it, all clients are one. */
  shareBy: Guards['shareBy'];
};

export type ServiceDefinition<Schema extends TObject, Store extends ServiceStore | undefined> = {
  name: string;
  version: string;
  /** Whether anyone can call the service, and not only services that trust each other. */
  isPublic?: boolean;
  /** The schema of the service's settings: `platformSettings` and its own. */
  settings: Schema;
  /** Opens the store; absent for a service that stores nothing. */
  openStore?: (settings: Static<Schema>, log: Logger) => Store | Promise<Store>;
  /** Registers routes and what they need, in order; they are closed in reverse order. */
  register(app: App, context: ServiceContext<Static<Schema>, Store>): void | Promise<void>;
};

/** Returns a definition as it is, so that its types are checked where it is written. */
export function defineService<Schema extends TObject, Store extends ServiceStore | undefined = undefined>(
  definition: ServiceDefinition<Schema, Store>,
): ServiceDefinition<Schema, Store> {
  return definition;
}

export type Service<Store = ServiceStore | undefined> = {
  name: string;
  app: App;
  management: Server;
  lifecycle: Lifecycle;
  /** The connections of its clients. */
  connections: ClientConnections;
  store: Store;
  log: Logger;
  metrics: Metrics;
};

/** Options for tests and measurements; none of them is a setting in production. */
export type BuildOptions = {
  /** Where log lines go instead of standard output. */
  logTo?: LogDestination;
  /** The guards against overload that are on; all by default. */
  guards?: GuardSet;
  /** Retries that a call to another service adds to the retry budget; the budget's default if absent. */
  retryRatio?: number;
};

/**
 * Builds a service without opening a port, so that tests use the same wiring as production.
 *
 * @throws {StartError} if the store cannot be opened.
 * @example
 * const service = await buildService(users, readSettings(users.settings, { STORE_URL: 'sqlite::memory:' }));
 * await service.app.inject('/api/v1/users/me');
 */
export async function buildService<Schema extends TObject, Store extends ServiceStore | undefined>(
  definition: ServiceDefinition<Schema, Store>,
  settings: Static<Schema>,
  { logTo, guards = 'all', retryRatio }: BuildOptions = {},
): Promise<Service<Store>> {
  const { name, version } = definition;
  const platform = settings as PlatformSettings;
  const { log, requests, level: logLevel } = createLogs(name, platform.LOG_LEVEL, logTo);
  const metrics = createMetrics(name, version);
  const lifecycle = new Lifecycle();
  measureLifecycle(metrics, lifecycle);
  const app = createHttpServer(log, lifecycle, platform);
  const upstreams: Upstream[] = [];
  const experiments = createExperiments(app, {
    ...{ hasStore: definition.openStore !== undefined, setting: platform.FAULT, lifecycle, log, metrics },
  });

  // Fastify closes in the reverse of this order: routes, then upstreams, then the store, and telemetry last.
  const tracing = await registerTelemetry(app, definition, platform, { log, requests, metrics });
  const store = await registerStore(app, definition, settings, { log, metrics, lifecycle, experiments });
  const { load, shareBy } = await registerGuards(app, metrics, guards, () => experiments.areGuardsOff);
  const connections = superviseConnections(app.server);
  registerProblemResponses(app);
  registerServiceFault(app, experiments);
  // Not at the public door: there, admission would let strangers' requests for it go before those of people.
  if (platform.EXPERIMENTS_TOKEN && !definition.isPublic) registerWork(app, platform.EXPERIMENTS_TOKEN);
  if (store?.idempotency) {
    const requestTimeout = platform.REQUEST_TIMEOUT_MS;
    registerIdempotency(app, store.idempotency, { log, requestTimeout, expires: store.jobs === undefined });
  }
  app.addHook('onClose', () => Promise.all(upstreams.map((upstream) => upstream.close())));
  const upstream = (to: string, address: string) => {
    const made = createUpstream({ name: to, address, metrics, log, retryRatio });
    upstreams.push(made);
    return made;
  };
  const status = createStatus({ service: name, version, lifecycle, metrics, upstreams, load, experiments });
  const typed: App = app.withTypeProvider<TypeBoxTypeProvider>();
  await definition.register(typed, {
    settings,
    store,
    log,
    metrics,
    tracing,
    lifecycle,
    status,
    upstream,
    experiments,
    shareBy,
  });
  await app.ready();

  const management = createManagement({
    ...{ service: name, lifecycle, metrics, log, logLevel, token: platform.MANAGEMENT_TOKEN, status },
    traces: tracing.traces,
    experiments: { state: experiments, token: platform.EXPERIMENTS_TOKEN },
  });
  return { name, app: typed, management, lifecycle, connections, store, log, metrics };
}

async function registerTelemetry(
  app: FastifyInstance,
  { name, version, isPublic }: { name: string; version: string; isPublic?: boolean },
  settings: PlatformSettings,
  { log, requests, metrics }: { log: Logger; requests: Logger; metrics: Metrics },
): Promise<Tracing> {
  const tracing = await createTracing({
    service: name,
    version,
    isPublic,
    settings,
    log,
    metrics,
  });
  app.addHook('onClose', () => tracing.shutdown());
  limitTime(app, metrics.inFlight);
  registerObservation(app, { log: requests, metrics, tracing, requestTimeout: settings.REQUEST_TIMEOUT_MS });
  return tracing;
}

async function registerStore<Schema extends TObject, Store extends ServiceStore | undefined>(
  app: FastifyInstance,
  definition: ServiceDefinition<Schema, Store>,
  settings: Static<Schema>,
  {
    log,
    metrics,
    lifecycle,
    experiments,
  }: { log: Logger; metrics: Metrics; lifecycle: Lifecycle; experiments: Experiments },
): Promise<Store> {
  const opened = (await definition.openStore?.(settings, log)) as Store;
  if (!opened) return opened;
  const file = () => storeFile(definition.name, settings);
  const store = observeStore(opened, metrics, { file, faults: experiments });
  if (opened.connections) measureConnections(metrics, opened.connections);
  app.addHook('onClose', () => store.close());
  lifecycle.dependencies.push({ name: 'store', check: () => store.ping() });
  return store;
}

/** Returns the file that opens the store: each service has one for each technology, named after the scheme of the URL. */
function storeFile(service: string, settings: object): string | undefined {
  const [, scheme] = /^([a-z]+)/.exec((settings as { STORE_URL?: string }).STORE_URL ?? '') ?? [];
  return scheme && `apps/${service}/src/store/${scheme}.ts`;
}
