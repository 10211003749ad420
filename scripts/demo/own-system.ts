import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDataFolder } from '../data-folder.ts';
import { ensureSecrets } from '../secrets.ts';
import { createSupervisor } from '../supervisor.ts';
import { serviceNames } from '../system.ts';
import { type Ports, topology } from '../topology.ts';

export type OwnSystem = {
  base: string;
  admin: { email: string; password: string };
  dataDir: string;
  start(): Promise<void>;
  /** Drains the services. Deletes the data unless `keepData` is set or `DATA_DIR` names the folder. */
  stop(options?: { keepData?: boolean }): Promise<void>;
  /** Kills the services immediately. Deletes the data unless `DATA_DIR` names the folder. */
  kill(): void;
};

/** Only the demo calls these services, so a stop need not wait for other callers to notice. */
const quickly = { DRAIN_DELAY_MS: '0' };

/** The demo bills a month that has not passed. */
const testClock = { BILLING_TEST_CLOCK: 'true' };

/** Prepares all services on free ports, with their data in `DATA_DIR` or in a temporary folder. */
export async function ownSystem(process: NodeJS.Process, say: (line: string) => void): Promise<OwnSystem> {
  const { DATA_DIR } = process.env;
  const dataDir = DATA_DIR || mkdtempSync(join(tmpdir(), 'slipway-demo-'));
  openDataFolder(dataDir);
  const secrets = ensureSecrets(dataDir, process.env);
  const ports = await freePorts();
  const removeData = () => {
    if (!DATA_DIR) rmSync(dataDir, { recursive: true, force: true });
  };
  const supervisor = createSupervisor({
    specs: topology({ dataDir, ports, secrets }),
    env: { ...process.env, ...quickly, ...testClock },
    // The output is not shown, because it reports the payments that the demo makes fail on purpose.
    outputOf: (name) => {
      const log = createWriteStream(join(dataDir, 'logs', `${name}.log`), { flags: 'a' });
      return (line) => void log.write(`${line}\n`);
    },
    say,
    giveUp: say,
  });
  return {
    base: `http://127.0.0.1:${ports.gateway.port}`,
    admin: { email: secrets.adminEmail, password: secrets.adminPassword },
    dataDir,
    start: () => supervisor.start(),
    async stop({ keepData = false } = {}) {
      await supervisor.stop();
      if (!keepData) removeData();
    },
    kill() {
      supervisor.kill();
      removeData();
    },
  };
}

/** Finds unused ports. Holds all of them until the last is found, so that none is returned twice. */
async function freePorts(): Promise<Ports> {
  const servers = serviceNames.map(() => [createServer(), createServer()] as const);
  const held = await Promise.all(
    servers.map(async ([own, management]) => ({ port: await hold(own), management: await hold(management) })),
  );
  await Promise.all(servers.flat().map((server) => once(server.close(), 'close')));
  return Object.fromEntries(serviceNames.map((name, index) => [name, held[index]])) as Ports;
}

async function hold(server: ReturnType<typeof createServer>): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}
