import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serviceNames } from '../../scripts/system.ts';
import type { Ports } from '../../scripts/topology.ts';
import { freePorts } from '../support/ports.ts';
import { get } from '../support/request.ts';

const root = join(import.meta.dirname, '../..');
const scratch = mkdtempSync(join(tmpdir(), 'slipway-start-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** `npm start` in a process group of its own, as a terminal runs it. */
type Terminal = {
  child: ChildProcess;
  printed(): string;
  /** Sends SIGINT to npm and to every process that it started, as Ctrl-C does. */
  pressCtrlC(): void;
  /** Resolves with the exit code, or with the signal that ended it. */
  ended: Promise<number | string>;
};

function runInTerminal(command: string[], env: Record<string, string>, cwd = root): Terminal {
  const [file = '', ...args] = command;
  // Nx sets FORCE_COLOR; where NO_COLOR is set, too, Node prints a warning between the lines.
  const inherited = { ...process.env, NO_COLOR: undefined };
  const child = spawn(file, args, { cwd, detached: true, env: { ...inherited, ...env } });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
  }
  return {
    child,
    printed: () => printed,
    pressCtrlC: () => void (child.pid && process.kill(-child.pid, 'SIGINT')),
    ended: once(child, 'close').then(([code, signal]) => code ?? signal),
  };
}

/** Copies what `npm start` needs to another folder; packages of others are links to those that are installed here. */
function copyTo(folder: string): string {
  for (const path of ['package.json', 'apps', 'libs', 'scripts']) {
    cpSync(join(root, path), join(folder, path), {
      recursive: true,
      filter: (from) => !from.endsWith('/data'),
    });
  }
  mkdirSync(join(folder, 'node_modules/@slipway'), { recursive: true });
  const packages = readdirSync(join(root, 'node_modules')).filter((name) => name !== '@slipway');
  for (const name of packages)
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  for (const path of globSync('{apps,libs}/*', { cwd: folder })) {
    symlinkSync(join('../..', path), join(folder, 'node_modules/@slipway', basename(path)));
  }
  return folder;
}

const npmStart = ['npm', 'start'];
const starter = [process.execPath, 'scripts/start.ts'];

// A start of all services takes seconds on a busy machine.
describe('npm start', { timeout: 60_000 }, () => {
  const dataDir = join(scratch, 'data');
  let ports: Ports;
  let env: Record<string, string>;
  const terminals: Terminal[] = [];

  beforeEach(async () => {
    ports = await freePorts();
    const entries = serviceNames.flatMap((name) => [
      [`${name.toUpperCase()}_PORT`, String(ports[name].port)],
      [`${name.toUpperCase()}_MANAGEMENT_PORT`, String(ports[name].management)],
    ]);
    env = { ...Object.fromEntries(entries), DATA_DIR: dataDir };
  });

  afterEach(async () => {
    for (const { child, ended } of terminals.splice(0)) {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
    }
    await expect.poll(stillServing, { timeout: 15_000 }).toEqual([]);
  });

  /** Whether the gateway finds every service ready. */
  async function isReady(): Promise<boolean> {
    const { body } = await get(`http://127.0.0.1:${ports.gateway.port}/api/v1/system`);
    return JSON.parse(body).ready;
  }

  /** The services that answer on their management port. */
  async function stillServing(): Promise<string[]> {
    const asked = serviceNames.map((name) =>
      get(`http://127.0.0.1:${ports[name].management}/health`).then(
        () => [name],
        () => [],
      ),
    );
    return (await Promise.all(asked)).flat();
  }

  function open(command: string[], more: Record<string, string> = {}, cwd?: string): Terminal {
    const terminal = runInTerminal(command, { ...env, ...more }, cwd);
    terminals.push(terminal);
    return terminal;
  }

  async function up(command: string[], more?: Record<string, string>, cwd?: string): Promise<Terminal> {
    const terminal = open(command, more, cwd);
    await expect.poll(terminal.printed, { timeout: 40_000, interval: 100 }).toContain('Slipway is up');
    return terminal;
  }

  it('tells of each service and the address, and Ctrl-C drains all', async () => {
    const terminal = await up(npmStart);
    for (const name of serviceNames) expect(terminal.printed()).toMatch(new RegExp(`^${name} +ready`, 'm'));
    expect(terminal.printed()).toContain(`http://127.0.0.1:${ports.gateway.port}`);
    expect(await stillServing()).toEqual([...serviceNames]);

    terminal.pressCtrlC();
    // npm waits for the end, and then reports the signal or the exit code: that depends on its shell.
    expect([0, 'SIGINT']).toContain(await terminal.ended);
    expect(terminal.printed()).toMatch(/Stopped\.\n$/);
    expect(await stillServing()).toEqual([]);
    for (const name of serviceNames) {
      expect(readFileSync(join(dataDir, 'logs', `${name}.log`), 'utf8')).toMatch(/"msg":"stopped"}\n$/);
    }
  });

  it('prints no warning at the first start, when the services do not find each other yet', async () => {
    const terminal = await up(npmStart, { DATA_DIR: join(scratch, 'new') });
    terminal.pressCtrlC();
    await terminal.ended;
    expect(terminal.printed()).not.toMatch(/warn|error/i);
  });

  it('ends with npm when npm is told to stop', async () => {
    const terminal = await up(npmStart);
    terminal.child.kill('SIGTERM');
    await terminal.ended;
    await expect.poll(stillServing, { timeout: 15_000 }).toEqual([]);
    for (const name of serviceNames) {
      expect(readFileSync(join(dataDir, 'logs', `${name}.log`), 'utf8')).toMatch(/"msg":"stopped"}\n$/);
    }
  });

  it('refuses a data folder on which another system runs, and leaves that one and its logs alone', async () => {
    const first = await up(starter);
    const logs = () =>
      readdirSync(join(dataDir, 'logs')).map((name) => statSync(join(dataDir, 'logs', name)).ino);
    const before = logs();
    const second = open(starter);
    expect(await second.ended).toBe(1);
    expect(second.printed()).toBe(
      `Slipway already runs on the data folder ${dataDir}; stop it, or set DATA_DIR to another.\n`,
    );
    expect(logs()).toEqual(before);
    expect(await stillServing()).toEqual([...serviceNames]);
    first.pressCtrlC();
    expect(await first.ended).toBe(0);
  });

  it('keeps its secrets for the next start, readable by their owner alone, and exits with 0', async () => {
    const file = join(dataDir, 'secrets.json');
    const before = readFileSync(file, 'utf8');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);

    const terminal = await up(starter);
    expect(readFileSync(file, 'utf8')).toBe(before);
    const { adminEmail: email, adminPassword: password } = JSON.parse(before);
    const session = await fetch(`http://127.0.0.1:${ports.gateway.port}/api/v1/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password }),
    });
    expect(session.status).toBe(201);
    expect(terminal.printed()).not.toContain(password);
    terminal.pressCtrlC();
    expect(await terminal.ended).toBe(0);
  });

  it('starts a service again that was killed, and takes all with it when it is killed itself', async () => {
    const terminal = await up(starter);
    const { pid } = JSON.parse((await get(`http://127.0.0.1:${ports.users.management}/status`)).body);
    process.kill(pid, 'SIGKILL');
    await expect
      .poll(terminal.printed, { timeout: 30_000 })
      .toMatch(/users +ended \(SIGKILL\) and is restarted\nusers +ready/);

    terminal.child.kill('SIGKILL');
    expect(await terminal.ended).toBe('SIGKILL');
    await expect.poll(stillServing, { timeout: 15_000 }).toEqual([]);
  });

  it('ends everything at once at the second Ctrl-C', async () => {
    const terminal = await up(starter, { DRAIN_DELAY_MS: '10000' });
    terminal.pressCtrlC();
    await expect.poll(terminal.printed).toContain('Stopping');
    await new Promise((resolve) => setTimeout(resolve, 150));
    const pressedAt = performance.now();
    terminal.pressCtrlC();
    expect(await terminal.ended).toBe(130);
    expect(performance.now() - pressedAt).toBeLessThan(5_000);
  });

  it('runs in a folder with a space in its name', async () => {
    const folder = copyTo(join(scratch, 'my work'));
    const terminal = await up(npmStart, { DATA_DIR: '' }, folder);
    expect(await isReady()).toBe(true);
    expect(readdirSync(join(folder, 'data'))).toEqual(expect.arrayContaining(['users.db', 'billing.db']));
    terminal.pressCtrlC();
    await terminal.ended;
  });

  it.each([
    ['the name of a compiler, as conda sets it', 'x86_64-conda-linux-gnu'],
    ['an address of a network', '192.0.2.7'],
  ])(
    'runs where HOST is %s, TRUSTED_PROXIES is for a load balancer, and a proxy is set',
    async (_what, HOST) => {
      let asked = 0;
      const proxy = createServer((socket) => {
        asked += 1;
        socket.destroy();
      }).listen(0, '127.0.0.1');
      await once(proxy, 'listening');
      const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
      const proxies = { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: address, http_proxy: address };
      const terminal = await up(starter, { HOST, TRUSTED_PROXIES: '192.0.2.0/24', ...proxies });
      expect(await isReady()).toBe(true);
      terminal.pressCtrlC();
      expect(await terminal.ended).toBe(0);
      proxy.close();
      expect(asked).toBe(0);
    },
  );

  it('says which port is taken, and leaves nothing running', async () => {
    const owner = createServer().listen(ports.billing.port, '127.0.0.1');
    await once(owner, 'listening');
    const terminal = open(starter);
    expect(await terminal.ended).toBe(1);
    owner.close();
    expect(terminal.printed()).toContain(`Port ${ports.billing.port} (PORT) is already in use`);
    expect(terminal.printed()).not.toContain('    at ');
    expect(await stillServing()).toEqual([]);
  });

  it('says that the data folder cannot be written', async () => {
    const file = join(scratch, 'a-file');
    writeFileSync(file, '');
    const terminal = open(starter, { DATA_DIR: join(file, 'data') });
    expect(await terminal.ended).toBe(1);
    expect(terminal.printed()).toBe(
      `The data folder ${file}/data cannot be written (ENOTDIR); set DATA_DIR to another.\n`,
    );
  });

  it('says which database file is damaged, and leaves the file as it is', async () => {
    const damaged = join(scratch, 'damaged');
    const file = join(damaged, 'billing.db');
    mkdirSync(damaged);
    writeFileSync(file, 'not a database '.repeat(1_000));
    const before = readFileSync(file);
    const terminal = open(starter, { DATA_DIR: damaged });
    expect(await terminal.ended).toBe(1);
    expect(terminal.printed()).toMatch(/^billing: The database file .*billing\.db .*$/m);
    expect(terminal.printed()).not.toContain('    at ');
    expect(readFileSync(file)).toEqual(before);
  });
});
