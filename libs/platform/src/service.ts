import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyInstance, type RawServerDefault } from 'fastify';
import type { Static, TObject } from 'typebox';
import type { IdempotencyStore } from './idempotency.ts';
import { Lifecycle } from './lifecycle.ts';
import { createLog, type Logger } from './log.ts';
import { createManagement } from './management.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { registerObservation } from './observe.ts';
import type { OutboxStore } from './outbox.ts';
import { registerOverload } from './overload.ts';
import { registerProblemResponses } from './problem-responses.ts';
import type { PlatformSettings } from './settings.ts';
import { createTracing } from './tracing.ts';
import { createUpstream, type Upstream } from './upstream.ts';
import { createValidators } from './validation.ts';

/** Fastify as services see it: handlers typed by the contract's schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  Logger,
  TypeBoxTypeProvider
>;

/** What the platform needs of any store. Stores may have more; only the service itself knows that. */
export type ServiceStore = {
  /** Resolves when the store answers; rejects when it is away. */
  ping(): Promise<void>;
  close(): Promise<void>;
  /** Needed by a service with routes that take an `Idempotency-Key`. */
  idempotency?: IdempotencyStore;
  /** Needed by a service that publishes events. */
  outbox?: OutboxStore;
};

/** What a service's own code gets to work with. */
export type ServiceContext<Settings, Store> = {
  settings: Settings;
  store: Store;
  log: Logger;
  metrics: Metrics;
  /** Makes the way to another service: measured, and closed with this one. */
  upstream: (name: string, address: string) => Upstream;
};

export type ServiceDefinition<Schema extends TObject, Store extends ServiceStore | undefined> = {
  name: string;
  version: string;
  /** The service's settings: `platformSettings` and its own. */
  settings: Schema;
  /** Opens the store; leave it out for a service that keeps nothing. */
  openStore?: (settings: Static<Schema>, log: Logger) => Store | Promise<Store>;
  /** Registers routes and what they need, in order; closed in reverse. */
  register(app: App, context: ServiceContext<Static<Schema>, Store>): void | Promise<void>;
};

/** Checks a definition's types where it is written. */
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
  store: Store;
  log: Logger;
  metrics: Metrics;
};

type BuildOptions = { log?: Logger };

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
  options: BuildOptions = {},
): Promise<Service<Store>> {
  const { name, version } = definition;
  const platform = settings as PlatformSettings;
  const log = options.log ?? createLog(name, platform.LOG_LEVEL);
  const metrics = createMetrics(name, version);
  const tracing = createTracing();
  const app = createApp(log);

  app.addHook('onClose', () => tracing.shutdown());
  registerObservation(app as unknown as FastifyInstance, {
    metrics,
    tracing,
    requestTimeout: platform.REQUEST_TIMEOUT_MS,
  });
  const store = (await definition.openStore?.(settings, log)) as Store;
  if (store) app.addHook('onClose', () => store.close());
  await registerOverload(app as unknown as FastifyInstance, metrics);
  registerProblemResponses(app as unknown as FastifyInstance);
  const upstream = (to: string, address: string) => {
    const made = createUpstream({ name: to, address, metrics, log });
    app.addHook('onClose', () => made.close());
    return made;
  };
  await definition.register(app, { settings, store, log, metrics, upstream });
  await app.ready();

  const lifecycle = new Lifecycle(store ? [{ name: 'store', check: () => store.ping() }] : []);
  const load = () => ({});
  const management = createManagement({ service: name, version, lifecycle, metrics, load });
  return { name, app, management, lifecycle, store, log, metrics };
}

const correlationId = /^[\w.:-]{1,64}$/;

function createApp(log: Logger): App {
  const app = Fastify({
    loggerInstance: log,
    childLoggerFactory: (logger) => logger,
    disableRequestLogging: true,
    genReqId: (request) => {
      const given = request.headers['x-correlation-id'];
      return typeof given === 'string' && correlationId.test(given) ? given : crypto.randomUUID();
    },
    return503OnClosing: false,
    bodyLimit: 1_048_576,
  });
  app.setValidatorCompiler(createValidators());
  return app.withTypeProvider<TypeBoxTypeProvider>() as unknown as App;
}
