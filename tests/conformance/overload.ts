import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import type { OpenOrder, OpenResult } from '../bench/overload/load.ts';
import type { CapacityOrder } from '../overload/fixtures/clients.ts';
import type { Target } from './target.ts';

/** The answers to clients and probes under overload. `capacity` is in requests per second. */
export type Overload = OpenResult & { capacity: number; probes: { status: number; ms: number }[] };

/** Arriving requests, as a multiple of those that can be answered. */
const factor = 5;

/** Measures how many requests a service answers, and then sends five times as many. */
export async function observeOverload(target: Target): Promise<Overload> {
  const { path, headers = {} } = target.description.read;
  const { port, host } = new URL(target.base);
  const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
  const capacityOrder = { port: Number(port), request, callers: 16, seconds: 1 };
  const measure = () => order<CapacityOrder, { rate: number }>(capacityClients, capacityOrder);
  // A new process is slow, because its code is not compiled yet.
  await measure();
  const { rate: capacity } = await measure();
  const load = { port: Number(port), path, request, rate: capacity * factor, seconds: 2, inTime: 1_000 };
  const sent = order<OpenOrder, OpenResult>(openClients, load);
  const probes = target.has('management') ? await probeUntil(target, sent) : [];
  return { ...(await sent), capacity, probes };
}

const capacityClients = new URL('../overload/fixtures/clients.ts', import.meta.url);
const openClients = new URL('../bench/overload/load.ts', import.meta.url);

/** Runs load in a process of its own, so that it does not delay the probes. */
async function order<Order extends object, Result>(main: URL, message: Order): Promise<Result> {
  const child = fork(main, { execArgv: [] });
  try {
    child.send(message);
    const [result] = await once(child, 'message');
    return result;
  } finally {
    child.disconnect();
  }
}

async function probeUntil(target: Target, end: Promise<unknown>): Promise<Overload['probes']> {
  let isOver = false;
  end.finally(() => {
    isOver = true;
  });
  const probes: Overload['probes'] = [];
  while (!isOver) {
    for (const path of [target.probes.alive, target.probes.ready]) {
      const sentAt = performance.now();
      const status = await target.probe(path).then((answer) => answer.status, String);
      probes.push({ status: Number(status), ms: Math.round(performance.now() - sentAt) });
    }
    await wait(100);
  }
  return probes;
}
