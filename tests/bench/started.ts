import process from 'node:process';
import { startProcess } from '../../scripts/service-process.ts';
import { type Usage, usageOf } from './process-usage.ts';
import { median } from './statistics.ts';

/** A program that reports to its parent when it is ready. */
export type Program = { name: string; main: URL; env: Record<string, string> };

/** The cost of a start: time and CPU until the service reports that it serves, and its memory then. */
export type Started = { ms: number; cpuMs: number; megabytes: number };

/** Starts programs at the same moment, and stops them when the last is ready. */
export async function startTogether(programs: Program[]): Promise<Started> {
  const startedAt = performance.now();
  const running = programs.map(start);
  try {
    await Promise.all(running.map(({ ready }) => ready));
    const ms = performance.now() - startedAt;
    return { ms, ...together(running.map(({ child }) => usageOf(child.pid ?? 0))) };
  } finally {
    for (const { kill } of running) kill('SIGTERM');
    await Promise.all(running.map(({ exited }) => exited));
  }
}

/** Starts a program whose output is read and thrown away. */
export const start = ({ name, main, env }: Program) =>
  startProcess(name, main, { ...process.env, DRAIN_DELAY_MS: '0', ...env }, () => undefined);

/** The pages of the node program itself are in memory once, however many processes run it. */
function together(usages: Usage[]): Omit<Started, 'ms'> {
  const sum = (values: number[]) => values.reduce((total, each) => total + each, 0);
  return {
    cpuMs: sum(usages.map(({ cpuMs }) => cpuMs)),
    megabytes:
      sum(usages.map(({ ownMegabytes }) => ownMegabytes)) +
      Math.max(...usages.map(({ sharedMegabytes }) => sharedMegabytes)),
  };
}

/** Returns the medians of several starts. */
export function medianOf(started: Started[]): Started {
  const middle = (of: (each: Started) => number) => median(started.map(of));
  return { ms: middle(({ ms }) => ms), cpuMs: middle(({ cpuMs }) => cpuMs), megabytes: middle(memory) };
}

const memory = ({ megabytes }: Started) => megabytes;
