import { once } from 'node:events';
import type { Server } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { http } from '@slipway/contract-kit/node-http';
import type { TObject } from 'typebox';
import { StartError } from '../core/start-error.ts';
import {
  type BuildOptions,
  buildService,
  type Service,
  type ServiceDefinition,
  type ServiceStore,
} from './service.ts';
import { masked, type PlatformSettings, readSettings, SettingsError } from './settings.ts';
import { onStopSignal } from './signals.ts';

/** Exit codes, on which supervisors of the process may rely. A second signal exits with 128 + its number. */
export const exitCodes = { stopped: 0, failed: 1, wrongSettings: 2, cutOff: 3 } as const;

/**
 * Runs a service as this process: reads settings, opens the store, builds the app and listens; drains and exits on a
 * signal. No other code handles signals or exits the process.
 *
 * @param options changes to the service for a measurement
 * @example
 * await run(users, process);
 */
export async function run<Schema extends TObject, Store extends ServiceStore | undefined>(
  definition: ServiceDefinition<Schema, Store>,
  process: NodeJS.Process,
  options: BuildOptions = {},
): Promise<void> {
  let serving: Serving | undefined;
  stopOnRequest(() => serving, process);
  callWithoutProxy(process.env);
  try {
    const settings = readSettings(definition.settings, process.env);
    const service = await buildService(definition, settings, options);
    service.log.debug({ settings: masked(definition.settings, settings) }, 'settings');
    exitOnBug(service, process);
    serving = { service, settings: settings as PlatformSettings };
    await listen(service, settings as PlatformSettings);
    // For a parent that started this process with an IPC channel, such as scripts/start.ts.
    process.send?.('ready');
  } catch (error) {
    process.stderr.write(`${definition.name}: ${startFailure(error)}\n`);
    process.exit(error instanceof SettingsError ? exitCodes.wrongSettings : exitCodes.failed);
  }
}

type Serving = { service: Service; settings: PlatformSettings };

/** Sends all HTTP requests directly, even if the environment names a proxy: upstreams are on the service's network. */
function callWithoutProxy(env: NodeJS.ProcessEnv): void {
  // Node keeps the environment's proxy unless another one is set, so this sets one that no host uses. That loads Node's
  // fetch, so it is done only where there is such a proxy.
  const namesProxy = Object.keys(env).some((name) => /^https?_proxy$/i.test(name));
  if (namesProxy) http.setGlobalProxyFromEnv({ http_proxy: 'http://127.0.0.1:9', no_proxy: '*' });
  // gRPC reads the environment itself, and OpenTelemetry's exporter cannot turn that off. Only the collector is exempted,
  // because Google's Datastore may be reachable only through the proxy.
  env.no_grpc_proxy = [env.no_grpc_proxy || env.no_proxy, collectorHost(env)].filter(Boolean).join();
}

/** Returns the host to which the gRPC exporter sends spans. A wrong address is reported by the exporter. */
function collectorHost(env: NodeJS.ProcessEnv): string | undefined {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: all, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces } = env;
  const address = traces?.trim() || all?.trim() || 'http://localhost:4317';
  const url = URL.parse(address.includes('://') ? address : `https://${address}`);
  return url?.hostname.replace(/^\[|\]$/g, '');
}

function startFailure(error: unknown): string {
  if (error instanceof StartError || error instanceof SettingsError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function listen(service: Service, settings: PlatformSettings): Promise<void> {
  const { app, management, lifecycle, log } = service;
  const { HOST, PORT: port, MANAGEMENT_PORT } = settings;
  try {
    const host = await listenOn(management, MANAGEMENT_PORT, HOST).catch(cannotListen('MANAGEMENT_PORT'));
    const address = await app.listen({ port, host }).catch(cannotListen('PORT'));
    lifecycle.advance('ready');
    log.info(`ready at ${address}`);
  } catch (error) {
    await app.close();
    throw error;
  }
}

/** Starts listening; returns the host, which is `0.0.0.0` instead of `::` on a machine without IPv6. */
async function listenOn(server: Server, port: number, host: string): Promise<string> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
    return host;
  } catch (error) {
    if (host !== '::' || (error as NodeJS.ErrnoException).code !== 'EAFNOSUPPORT') throw error;
    return listenOn(server, port, '0.0.0.0');
  }
}

function cannotListen(setting: string) {
  return (error: { code?: string; address?: string; port?: number }): never => {
    const { code, address, port } = error;
    if (code === 'EADDRINUSE') {
      throw new StartError(`Port ${port} (${setting}) is already in use; free it or set another.`, error);
    }
    if (code === 'EACCES') throw new StartError(`Port ${port} (${setting}) needs more privileges.`, error);
    if (code === 'EADDRNOTAVAIL') {
      throw new StartError(`HOST ${address} is not an address of this machine.`, error);
    }
    throw error;
  };
}

/** Exits after an uncaught error: the state of the process is unknown then, so its supervisor must restart it. */
function exitOnBug({ log }: Service, process: NodeJS.Process): void {
  process.on('uncaughtException', (err, origin) => {
    log.fatal({ err, origin }, 'uncaught');
    process.exit(exitCodes.failed);
  });
}

/** Stops the service at the first signal; exits immediately if it has not started, because it has served nobody. */
function stopOnRequest(serving: () => Serving | undefined, process: NodeJS.Process): void {
  const stop = (reason: string) => {
    const started = serving();
    if (started) stopServing(started, reason, process);
    else process.exit(exitCodes.stopped);
  };
  onStopSignal(process, stop, (code) => {
    serving()?.service.log.warn('stopped immediately by a second signal');
    process.exit(code);
  });
}

function stopServing({ service, settings }: Serving, reason: string, process: NodeJS.Process): void {
  const { log } = service;
  log.info({ reason }, 'draining');
  cutOffAfter(settings.STOP_DEADLINE_MS, service, process);
  drain(service, settings).then(
    () => {
      log.info('stopped');
      process.exit(exitCodes.stopped);
    },
    (err) => {
      log.error({ err }, 'stop failed');
      process.exit(exitCodes.failed);
    },
  );
}

/**
 * Takes a service out of traffic without failing a request. It becomes unready and serves for the drain delay, while
 * clients reconnect to other replicas. Then requests in flight end, the store closes and telemetry is flushed.
 */
async function drain(
  { app, management, lifecycle, connections }: Service,
  { DRAIN_DELAY_MS, HEADERS_TIMEOUT_MS }: PlatformSettings,
): Promise<void> {
  lifecycle.advance('draining');
  await wait(DRAIN_DELAY_MS);
  lifecycle.advance('closing');
  // A closed server no longer checks how long a client takes to send the head of a request.
  const headsDue = setTimeout(() => connections.closeUnused(), HEADERS_TIMEOUT_MS);
  await app.close();
  clearTimeout(headsDue);
  lifecycle.advance('stopped');
  management.close();
}

function cutOffAfter(deadline: number, { app, lifecycle, log }: Service, process: NodeJS.Process): void {
  setTimeout(() => {
    app.server.getConnections((_error, openConnections) => {
      log.error({ state: lifecycle.state, openConnections }, 'cut off: the stop deadline has passed');
      process.exit(exitCodes.cutOff);
    });
  }, deadline);
}
