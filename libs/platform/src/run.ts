import type { Server } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { Static, TObject } from 'typebox';
import { buildService, type Service, type ServiceDefinition, type ServiceStore } from './service.ts';
import { type PlatformSettings, readSettings, SettingsError } from './settings.ts';
import { StartError } from './start-error.ts';

/** Exit codes: the contract with whoever supervises the process. */
export const exitCodes = { stopped: 0, failed: 1, wrongSettings: 2, cutOff: 3 } as const;

/**
 * Runs a service as this process: settings → store → app → listen, then drain and exit on a signal.
 * The one owner of signals and of the process's exit.
 *
 * @example
 * await run(users, process);
 */
export async function run<Schema extends TObject, Store extends ServiceStore | undefined>(
  definition: ServiceDefinition<Schema, Store>,
  process: NodeJS.Process,
): Promise<void> {
  try {
    const settings = readSettings(definition.settings, process.env);
    const service = await buildService(definition, settings);
    stopOnSignal(service, settings as PlatformSettings, process);
    await listen(service, settings as PlatformSettings);
  } catch (error) {
    process.stderr.write(`${definition.name}: ${startFailure(error)}\n`);
    process.exit(error instanceof SettingsError ? exitCodes.wrongSettings : exitCodes.failed);
  }
}

function startFailure(error: unknown): string {
  if (error instanceof StartError || error instanceof SettingsError) return error.message;
  if (isPortTaken(error)) return `Port ${error.port} is already in use; stop its owner or set another port.`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function isPortTaken(error: unknown): error is { port: number } {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

async function listen(
  { app, management, lifecycle, log }: Service,
  settings: PlatformSettings,
): Promise<void> {
  await listenOn(management, settings.MANAGEMENT_PORT, settings.HOST);
  const address = await app.listen({
    port: settings.PORT,
    host: settings.HOST,
    listenTextResolver: () => '',
  });
  lifecycle.state = 'ready';
  log.info({ address }, 'ready');
}

function listenOn(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => server.once('error', reject).listen(port, host, () => resolve()));
}

function stopOnSignal(service: Service, settings: PlatformSettings, process: NodeJS.Process): void {
  const { log, lifecycle } = service;
  const stop = async (signal: NodeJS.Signals, number: number) => {
    if (lifecycle.state === 'draining') process.exit(128 + number);
    log.info({ signal }, 'draining');
    const cutOff = setTimeout(() => {
      log.error('the stop deadline has passed');
      process.exit(exitCodes.cutOff);
    }, settings.STOP_DEADLINE_MS);
    await drain(service, settings.DRAIN_DELAY_MS);
    clearTimeout(cutOff);
    log.info('stopped');
    process.exit(exitCodes.stopped);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

/**
 * Takes a service out of traffic without failing a request: not ready → keep serving for the delay, asking
 * clients to reconnect elsewhere → finish what is in flight → close the store → flush telemetry.
 */
async function drain({ app, management, lifecycle }: Service, delay: number): Promise<void> {
  lifecycle.state = 'draining';
  app.server.prependListener('request', (_request, response) => response.setHeader('connection', 'close'));
  await wait(delay);
  await app.close();
  lifecycle.state = 'stopped';
  management.close();
}
