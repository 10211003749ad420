import { setTimeout as wait } from 'node:timers/promises';
import { describeExit, type OnLine, type ServiceProcess, startService } from './service-process.ts';
import { type ServiceName, stopOrder } from './system.ts';
import type { ServiceSpec } from './topology.ts';

/** Delay before a service that exited unexpectedly is restarted; milliseconds. */
const restartPause = 500;

type Options = {
  specs: ServiceSpec[];
  env: NodeJS.ProcessEnv;
  outputOf(name: ServiceName): OnLine;
  /** Prints a line to the terminal. */
  say(line: string): void;
  /** Called when the system cannot continue, because a service that exited could not be started again. */
  giveUp(reason: string): void;
};

export type Supervisor = {
  /** Starts all services and resolves when each is ready. Rejects if one fails to start. */
  start(): Promise<void>;
  /** Drains a service and starts it again. */
  restart(name: ServiceName): Promise<void>;
  /** Drains all services, callers first. Resolves when every process has exited: true if each exited with code 0. */
  stop(): Promise<boolean>;
  /** Kills all processes immediately. */
  kill(): void;
};

/** Keeps the services of a system running: starts them, restarts those that exit, and stops them in order. */
export function createSupervisor({ specs, env, outputOf, say, giveUp }: Options): Supervisor {
  const outputs = new Map(specs.map(({ name }) => [name, outputOf(name)]));
  const running = new Map<ServiceName, ServiceProcess>();
  const asked = new WeakSet<ServiceProcess>();
  let stopping = false;

  async function start(spec: ServiceSpec): Promise<void> {
    const service = startService(spec, env, outputs.get(spec.name) ?? (() => undefined));
    running.set(spec.name, service);
    await service.ready;
    say(`${spec.name.padEnd(10)} ready   ${spec.address}   management ${spec.management}`);
    service.exited.then((exit) => {
      if (!asked.has(service) && !stopping) startAgain(spec, describeExit(exit));
    });
  }

  async function startAgain(spec: ServiceSpec, exit: string): Promise<void> {
    say(`${spec.name.padEnd(10)} ended (${exit}) and is restarted`);
    await wait(restartPause);
    if (!stopping) await start(spec).catch((error: Error) => giveUp(error.message));
  }

  async function stopOne(name: ServiceName): Promise<boolean> {
    const service = running.get(name);
    if (!service) return true;
    asked.add(service);
    service.kill('SIGTERM');
    return (await service.exited).code === 0;
  }

  return {
    async start() {
      await Promise.all(specs.map(start));
    },
    async restart(name) {
      await stopOne(name);
      const spec = specs.find((each) => each.name === name);
      if (spec && !stopping) await start(spec);
    },
    async stop() {
      stopping = true;
      const ended: boolean[] = [];
      for (const group of stopOrder) ended.push(...(await Promise.all(group.map(stopOne))));
      return ended.every(Boolean);
    },
    kill() {
      stopping = true;
      for (const service of running.values()) service.kill('SIGKILL');
    },
  };
}
