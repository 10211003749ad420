import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { eventually } from '../support/people.ts';
import { freePort } from '../support/ports.ts';
import { get } from '../support/request.ts';
import type { Command, Description } from './service.ts';

/** A process of the service that the suite has started. */
export type Started = {
  base: string;
  management: string;
  /** The id of the process; undefined if it could not be started. */
  pid: number | undefined;
  /** Resolves when the process has exited and all of its output was read. */
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null; output: string }>;
  kill(signal: NodeJS.Signals): void;
};

/** Starts a process, and does not wait until it is ready. */
export async function launch(
  { run, settings, port, managementPort }: Command,
  extra: Record<string, string>,
): Promise<Started> {
  const own = String(await freePort());
  const management = managementPort ? String(await freePort()) : own;
  const ports = { [port]: own, ...(managementPort && { [managementPort]: management }) };
  const env = { ...process.env, ...settings, ...ports, ...extra };
  const [program = '', ...args] = run;
  const cwd = new URL('../..', import.meta.url);
  const child = spawn(program, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  return {
    base: `http://127.0.0.1:${own}`,
    management: `http://127.0.0.1:${management}`,
    pid: child.pid,
    exited: exitOf(child),
    kill: (signal) => void child.kill(signal),
  };
}

/** Starts a process and resolves when it serves. Does not ask its probes, because they are promises to check. */
export async function launchServing(
  { name, read }: Description,
  command: Command,
  extra: Record<string, string> = {},
): Promise<Started> {
  const started = await launch(command, extra);
  const failed = started.exited.then(({ code, output }) => {
    throw new Error(`${name} ended with ${code} before it served:\n${output}`);
  });
  failed.catch(() => undefined);
  const serves = () => get(started.base + read.path).catch(() => undefined);
  try {
    await Promise.race([eventually(`${name} serves`, serves, 20_000, 25), failed]);
  } catch (error) {
    started.kill('SIGKILL');
    throw error;
  }
  return started;
}

async function exitOf(child: ChildProcess): Started['exited'] {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const [code, signal] = await once(child, 'close');
  return { code, signal, output };
}
