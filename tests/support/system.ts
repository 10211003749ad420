/**
 * Starts the real system for tests: one process for each service, with the topology of `npm start`, on free ports.
 *
 * @example
 * const system = await startSystem();                       // all services are ready
 * await fetch(`${system.base}/api/v1/plans`);               // through the gateway
 * await system.services.billing.kill('SIGKILL');            // resolves when the process has exited: { code, signal }
 * await system.services.billing.start();                    // on the same ports and files, ready again
 * await system.services.users.restart({ LOG_LEVEL: 'debug' }); // drain, then start with other settings
 * await system.stop();                                      // drains all; deletes the data
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newSecrets } from '../../scripts/secrets.ts';
import { type Exit, type ServiceProcess, startService } from '../../scripts/service-process.ts';
import { type ServiceName, stopOrder } from '../../scripts/system.ts';
import { type Secrets, type ServiceSpec, topology } from '../../scripts/topology.ts';
import { freePorts } from './ports.ts';
import { realDatabases, realServers, type Servers, type Stores } from './stores.ts';

type ServiceHandle = {
  /** Base addresses, such as `http://127.0.0.1:20123`. They stay the same across restarts. */
  address: string;
  management: string;
  /** Process id of the current process. */
  readonly pid: number;
  /** All output of the service since the system was started, including restarts. */
  readonly output: string;
  /** Starts the service after a kill and resolves when it is ready. `env` is added to its settings. */
  start(env?: Record<string, string>): Promise<void>;
  /** Sends a signal to the service and resolves when its process has exited. */
  kill(signal: NodeJS.Signals): Promise<Exit>;
  /** Drains the service with SIGTERM and starts it again. */
  restart(env?: Record<string, string>): Promise<void>;
};

export type System = {
  /** The gateway's address, which clients use. */
  base: string;
  dataDir: string;
  /** The first administrator. */
  admin: { email: string; password: string };
  /** The secret with which services authenticate to each other at `/internal/*`. */
  serviceToken: string;
  /** The token that an operator presents to the management ports. */
  managementToken: string;
  /** The token with which the gateway starts experiments. */
  experimentsToken: string;
  services: Record<ServiceName, ServiceHandle>;
  /** Starts another process of a service, on its own ports and the same databases. It stops with the system. */
  replicate(name: ServiceName): Promise<ServiceHandle>;
  /** Drains all services, callers first. Can be called twice. */
  stop(): Promise<void>;
};

type Options = {
  /** Folder for the databases; by default a temporary folder that `stop` deletes. */
  dataDir?: string;
  /** Settings for all services; they override those of the topology. */
  env?: Record<string, string>;
  secrets?: Secrets;
  /** Embedded databases, or own databases on `servers`. */
  stores?: Stores;
  /** By default those that the environment names. */
  servers?: Servers;
  /** The module that each process runs instead of its service's own main; `SERVICE` names the service. */
  main?: URL;
};

/**
 * Starts all services and resolves when each is ready.
 *
 * @throws with the output of the services, if one fails to start; the others are stopped.
 */
export async function startSystem({
  dataDir,
  env = {},
  secrets = newSecrets(),
  stores = 'sqlite',
  servers = realServers(),
  main,
}: Options = {}): Promise<System> {
  const folder = dataDir ?? mkdtempSync(join(tmpdir(), 'slipway-'));
  const specs = topology({ dataDir: folder, ports: await freePorts(), secrets });
  const databases = stores === 'real' ? realDatabases(servers, folder) : undefined;
  const launch = (spec: ServiceSpec) => handleOf(spec, { ...databases?.settings[spec.name], ...env }, main);
  const handles = specs.map((spec) => [spec.name, launch(spec)] as const);
  const services = Object.fromEntries(handles) as System['services'];
  const replicas: ServiceHandle[] = [];
  const replicate = async (name: ServiceName) => {
    const others = topology({ dataDir: folder, ports: await freePorts(), secrets });
    const { settings, ...place } = others.find((spec) => spec.name === name) as ServiceSpec;
    const same = specs.find((spec) => spec.name === name) as ServiceSpec;
    const { PORT = '', MANAGEMENT_PORT = '' } = settings;
    const replica = launch({ ...place, settings: { ...same.settings, PORT, MANAGEMENT_PORT } });
    await replica.start();
    replicas.push(replica);
    return replica;
  };
  const stop = async () => {
    await Promise.all(replicas.map((replica) => replica.kill('SIGTERM')));
    for (const group of stopOrder) await Promise.all(group.map((name) => services[name].kill('SIGTERM')));
    await databases?.drop();
    if (!dataDir) rmSync(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all(handles.map(([, handle]) => handle.start()));
  } catch (error) {
    const printed = handles.map(([, { output }]) => output).join('');
    await stop();
    throw new Error(`${(error as Error).message}\n${printed}`);
  }
  return {
    base: services.gateway.address,
    dataDir: folder,
    admin: { email: secrets.adminEmail, password: secrets.adminPassword },
    serviceToken: secrets.serviceToken,
    managementToken: secrets.managementToken,
    experimentsToken: secrets.experimentsToken,
    services,
    replicate,
    stop,
  };
}

/** Tests bill months that have not passed. */
const testClock = { BILLING_TEST_CLOCK: 'true' };

/** A short drain delay, because tests have no load balancer. */
const quickly = { DRAIN_DELAY_MS: '50' };

function handleOf(spec: ServiceSpec, systemEnv: Record<string, string>, main?: URL): ServiceHandle {
  let running: ServiceProcess | undefined;
  let output = '';
  const handle: ServiceHandle = {
    address: spec.address,
    management: spec.management,
    get pid() {
      return running?.child.pid ?? 0;
    },
    get output() {
      return output;
    },
    async start(env = {}) {
      const settings = {
        SERVICE: spec.name,
        ...quickly,
        ...testClock,
        ...spec.settings,
        ...systemEnv,
        ...env,
      };
      const onLine = (line: string) => {
        output += `${line}\n`;
      };
      running = startService({ ...spec, settings }, process.env, onLine, main);
      await running.ready;
    },
    async kill(signal) {
      running?.kill(signal);
      return running?.exited ?? { code: null, signal: null };
    },
    async restart(env) {
      await handle.kill('SIGTERM');
      await handle.start(env);
    },
  };
  return handle;
}
