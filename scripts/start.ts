/**
 * Runs Slipway on this machine: `npm start`, or `npm run dev` to restart services after an edit.
 *
 *   --logs    print every log line of the services instead of warnings only
 *   --watch   restart a service when its sources change
 *
 * Environment: DATA_DIR (./data), <NAME>_PORT and <NAME>_MANAGEMENT_PORT such as USERS_PORT, and settings of services
 * (docs/settings.md). A setting applies to all services, unless `topology.ts` sets it.
 */
import { parseArgs } from 'node:util';
import { onStopSignal } from '@slipway/platform/service/signals';
import { openDataFolder } from './data-folder.ts';
import { stopWithNpm } from './npm.ts';
import { outputOf } from './output.ts';
import { ensureSecrets } from './secrets.ts';
import { createSupervisor, type Supervisor } from './supervisor.ts';
import { type ServiceName, serviceNames } from './system.ts';
import { localPorts, type Ports, topology } from './topology.ts';
import { watchSources } from './watch.ts';

/** There is no load balancer on one machine, so a stop need not wait for one to notice. */
const localDrain = { DRAIN_DELAY_MS: '200' };

/** Never aborts: the sources are watched until the process ends. */
const never = new AbortController().signal;

async function main(process: NodeJS.Process): Promise<void> {
  const { values } = parseArgs({ options: { logs: { type: 'boolean' }, watch: { type: 'boolean' } } });
  const dataDir = process.env.DATA_DIR || 'data';
  openDataFolder(dataDir);
  const secrets = ensureSecrets(dataDir, process.env);
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const supervisor = createSupervisor({
    specs: topology({ dataDir, ports: portsOf(process.env), secrets }),
    env: { ...localDrain, ...process.env },
    outputOf: (name) => outputOf(name, dataDir, values.logs ?? false, process),
    say,
    giveUp: (reason) => end(supervisor, process, reason),
  });
  stopOnSignal(supervisor, process);
  await supervisor.start().catch((error: Error) => end(supervisor, process, error.message));
  say(`\nSlipway is up: http://127.0.0.1:${portsOf(process.env).gateway.port}   API documentation at /docs`);
  say(`Log in as ${secrets.adminEmail}. The password is in ${dataDir}/secrets.json.`);
  say(`The logs are in ${dataDir}/logs. Ctrl-C stops everything.`);
  if (values.watch) await restartOnChange(supervisor, say);
}

/** Returns the ports: those of the topology, unless the environment sets others. */
function portsOf(env: NodeJS.ProcessEnv): Ports {
  const port = (variable: string, usual: number) => Number(env[variable] || usual);
  const entries = serviceNames.map((name) => {
    const prefix = name.toUpperCase();
    const { port: own, management } = localPorts[name];
    return [
      name,
      { port: port(`${prefix}_PORT`, own), management: port(`${prefix}_MANAGEMENT_PORT`, management) },
    ];
  });
  return Object.fromEntries(entries);
}

function stopOnSignal(supervisor: Supervisor, process: NodeJS.Process): void {
  const endWatch = stopWithNpm(process);
  const stop = async () => {
    endWatch();
    process.stdout.write('\nStopping. Press Ctrl-C again to stop immediately.\n');
    const clean = await supervisor.stop();
    process.stdout.write('Stopped.\n');
    process.exit(clean ? 0 : 1);
  };
  onStopSignal(process, stop, (code) => {
    supervisor.kill();
    process.exit(code);
  });
}

async function end(supervisor: Supervisor, process: NodeJS.Process, reason: string): Promise<never> {
  await supervisor.stop();
  process.stderr.write(`Slipway cannot run: ${reason}. All services have been stopped.\n`);
  process.exit(1);
}

async function restartOnChange(supervisor: Supervisor, say: (line: string) => void): Promise<void> {
  say('Watching the sources for changes.');
  const restart = async (names: ServiceName[]) => {
    const restarts = names.map((name) => supervisor.restart(name));
    for (const each of await Promise.allSettled(restarts)) {
      if (each.status === 'rejected') say(`${each.reason.message}. Waiting for the next change.`);
    }
  };
  await watchSources(`${import.meta.dirname}/..`, restart, never);
}

try {
  await main(process);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}
