import type { Server } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
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

/** Exit codes: the contract with whoever supervises the process. A second signal exits with 128 + its number. */
export const exitCodes = { stopped: 0, failed: 1, wrongSettings: 2, cutOff: 3 } as const;

/**
 * Runs a service as this process: settings → store → app → listen, then drain and exit on a signal.
 * The one owner of signals and of the process's exit.
 *
 * @param options what a measurement changes about the service
 * @example
 * await run(users, process);
 */
export async function run<Schema extends TObject, Store extends ServiceStore | undefined>(
  definition: ServiceDefinition<Schema, Store>,
  process: NodeJS.Process,
  options: BuildOptions = {},
): Promise<void> {
  try {
    const settings = readSettings(definition.settings, process.env);
    const service = await buildService(definition, settings, options);
    service.log.debug({ settings: masked(definition.settings, settings) }, 'settings');
    exitOnBug(service, process);
    stopOnRequest(service, settings as PlatformSettings, process);
    await listen(service, settings as PlatformSettings);
    // Tells a parent that started this process with a channel, such as scripts/start.ts.
    process.send?.('ready');
  } catch (error) {
    process.stderr.write(`${definition.name}: ${startFailure(error)}\n`);
    process.exit(error instanceof SettingsError ? exitCodes.wrongSettings : exitCodes.failed);
  }
}

function startFailure(error: unknown): string {
  if (error instanceof StartError || error instanceof SettingsError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

async function listen(service: Service, settings: PlatformSettings): Promise<void> {
  const { app, management, lifecycle, log } = service;
  const { HOST: host, PORT: port, MANAGEMENT_PORT } = settings;
  try {
    await listenOn(management, MANAGEMENT_PORT, host).catch(cannotListen('MANAGEMENT_PORT'));
    const address = await app.listen({ port, host }).catch(cannotListen('PORT'));
    lifecycle.advance('ready');
    log.info(`ready at ${address}`);
  } catch (error) {
    await app.close();
    throw error;
  }
}

function listenOn(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => server.once('error', reject).listen(port, host, () => resolve()));
}

function cannotListen(setting: string) {
  return (error: { code?: string; address?: string; port?: number }): never => {
    const { code, address, port } = error;
    if (code === 'EADDRINUSE') {
      throw new StartError(`Port ${port} (${setting}) is already in use; free it or set another.`, error);
    }
    if (code === 'EACCES') throw new StartError(`Port ${port} (${setting}) needs more rights.`, error);
    if (code === 'EADDRNOTAVAIL') {
      throw new StartError(`HOST ${address} is not an address of this machine.`, error);
    }
    throw error;
  };
}

/** After an error that nobody caught the process's state is unknown: say so and let the supervisor restart it. */
function exitOnBug({ log }: Service, process: NodeJS.Process): void {
  process.on('uncaughtException', (err, origin) => {
    log.fatal({ err, origin }, 'uncaught');
    process.exit(exitCodes.failed);
  });
}

function stopOnRequest(service: Service, settings: PlatformSettings, process: NodeJS.Process): void {
  const { log } = service;
  const stop = (reason: string) => {
    log.info({ reason }, 'draining');
    cutOffAfter(settings.STOP_DEADLINE_MS, service, process);
    drain(service, settings.DRAIN_DELAY_MS).then(
      () => {
        log.info('stopped');
        process.exit(exitCodes.stopped);
      },
      (err) => {
        log.error({ err }, 'the stop failed');
        process.exit(exitCodes.failed);
      },
    );
  };
  onStopSignal(process, stop, (code) => {
    log.warn('stopped at once by a second signal');
    process.exit(code);
  });
}

/**
 * Takes a service out of traffic without failing a request: not ready → keep serving for the delay, asking
 * clients to reconnect elsewhere → finish what is in flight → close the store → flush telemetry.
 */
async function drain({ app, management, lifecycle }: Service, delay: number): Promise<void> {
  lifecycle.advance('draining');
  await wait(delay);
  lifecycle.advance('closing');
  await app.close();
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
