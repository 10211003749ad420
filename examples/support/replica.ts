import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from './ports.ts';

/** A process that runs one of the examples, as a container would. */
export type Replica = {
  port: number;
  management: number;
  /** Resolves with the exit code, or with the signal that killed the process. */
  exited: Promise<number | string>;
  /** Resolves with all that the process has printed, after its end. */
  output: Promise<string>;
  stop(signal?: NodeJS.Signals): void;
};

/**
 * Starts a program on two free ports, `PORT` and `MANAGEMENT_PORT`. Does not wait until it answers.
 *
 * @example
 * const replica = await startReplica(new URL('main.ts', import.meta.url));
 */
export async function startReplica(main: URL, env: Record<string, string> = {}): Promise<Replica> {
  const [port, management] = [await freePort(), await freePort()];
  const ports = { PORT: String(port), MANAGEMENT_PORT: String(management) };
  const child = spawn(process.execPath, [main.pathname], {
    env: { ...process.env, LOG_LEVEL: 'warn', ...ports, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const endWithParent = () => child.kill('SIGKILL');
  process.once('exit', endWithParent);
  const exited = once(child, 'exit').then(([code, signal]) => {
    process.off('exit', endWithParent);
    return code ?? signal;
  });
  return { port, management, exited, output: text(child.stdout), stop: (signal) => void child.kill(signal) };
}

/** Returns whether a server answers 200 within a second; false if nobody listens. */
export async function answers(port: number, path = '/'): Promise<boolean> {
  const signal = AbortSignal.timeout(1_000);
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal }).catch(() => undefined);
  await response?.body?.cancel();
  return response?.status === 200;
}

/** Waits until a process accepts connections at a port; fails after a minute. */
export async function untilListens(port: number): Promise<void> {
  const end = performance.now() + 60_000;
  const isOpen = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.once('error', () => resolve(false)).once('connect', () => socket.destroy());
    });
  while (!(await isOpen())) {
    if (performance.now() > end) throw new Error(`Nobody listens at port ${port}`);
    await wait(50);
  }
}

/** Waits until a server answers 200; fails after a minute. */
export async function untilAnswers(port: number, path = '/'): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await answers(port, path))) {
    if (performance.now() > end) throw new Error(`Port ${port} does not answer ${path} with 200`);
    await wait(50);
  }
}
