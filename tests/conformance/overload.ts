import { setTimeout as wait } from 'node:timers/promises';
import { startChild } from '../bench/child.ts';
import type { OpenOrder, OpenResult } from '../bench/overload/load.ts';
import type { CapacityOrder } from '../overload/fixtures/clients.ts';
import type { Target } from './target.ts';

/** The answers to clients and probes under overload. */
export type Overload = OpenResult & {
  /** Requests that the service can answer while the load lasts. */
  capacity: number;
  /** Processors that the service used; undefined if the suite cannot read it. */
  processors: number | undefined;
  /** Milliseconds in which an accepted request and a probe must be answered. */
  limit: number;
  probes: { status: number; ms: number }[];
};

/** Arriving requests, as a multiple of those that can be answered. */
const factor = 5;
/** Seconds for which a capacity is measured. */
const measured = 1;
/** Seconds for which requests arrive. */
const seconds = 2;
/** Milliseconds in which a service answers that has a processor for itself. */
const inTime = 1_000;
/** A service with less than a processor may take this many times as long at most. */
const maxSlowdown = 3;
/** Maximum number of times that the load is sent. */
const rounds = 5;

/**
 * Measures how many requests a service answers, and then sends five times as many. Where other programs use the machine, a
 * service can prove to answer more than was measured, or can have too little of a processor to be judged. It then gets
 * five times what it answered, or the same once more.
 */
export async function observeOverload(target: Target): Promise<Overload> {
  // A new process is slow, because its code is not compiled yet.
  await capacityOf(target);
  let rate = await capacityOf(target);
  for (let round = 1; ; round += 1) {
    const overload = await sendTimes(factor, rate, target);
    const { rejected, failed, latencies, limit, processors } = overload;
    const isServed = rejected + failed === 0 && latencies.every((ms) => ms <= limit);
    const isStarved = processors !== undefined && processors < 1 / maxSlowdown;
    if (round === rounds || !(isServed || isStarved)) return overload;
    if (isServed) rate = latencies.length / seconds;
  }
}

/** Returns how many requests the service answers; per second. */
async function capacityOf(target: Target): Promise<number> {
  const { rate } = await order<CapacityOrder, { rate: number }>(
    new URL('../overload/fixtures/clients.ts', import.meta.url),
    { ...requestOf(target), callers: 16, seconds: measured },
  );
  return rate;
}

async function sendTimes(times: number, rate: number, target: Target): Promise<Overload> {
  const beganAt = performance.now();
  const cpuBefore = target.cpuMs;
  const clients = order<OpenOrder, OpenResult>(new URL('../bench/overload/load.ts', import.meta.url), {
    ...requestOf(target),
    path: target.description.read.path,
    rate: rate * times,
    seconds,
    giveUpAfter: 2 * maxSlowdown * inTime,
  });
  const probes = target.has('management') ? await probeUntil(target, clients) : [];
  const cpuAfter = target.cpuMs;
  const isKnown = cpuBefore !== undefined && cpuAfter !== undefined;
  const processors = isKnown ? (cpuAfter - cpuBefore) / (performance.now() - beganAt) : undefined;
  return { ...(await clients), capacity: rate * seconds, processors, limit: limitOf(processors), probes };
}

/** A service with too many requests uses all of a processor, unless other programs compete with it. */
function limitOf(processors = 1): number {
  return inTime * Math.min(maxSlowdown, 1 / Math.min(1, processors));
}

/** The request of a description as it goes over the wire, and its port. */
function requestOf({ base, description }: Target): { port: number; request: string } {
  const { path, headers = {} } = description.read;
  const { port, host } = new URL(base);
  const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return { port: Number(port), request: `GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n` };
}

/** Runs load in a process of its own, so that it does not delay the probes. */
async function order<Order extends object, Result>(main: URL, message: Order): Promise<Result> {
  const child = startChild(main);
  try {
    return await child.ask<Result>(message);
  } finally {
    child.stop();
  }
}

async function probeUntil(target: Target, end: Promise<unknown>): Promise<Overload['probes']> {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  end.then(over, over);
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
