/** A short trouble, and what comes after it: with and without what keeps it short. */
import { setTimeout as wait } from 'node:timers/promises';
import { startProcess } from '../../scripts/service-process.ts';
import { startChild } from '../bench/child.ts';
import { freePort } from '../support/ports.ts';
import type { ClientsOrder, ClientsResult } from './fixtures/clients.ts';

/** Seconds of each part of a run, without its end. */
const parts = { before: 6, trouble: 10, recovery: 5 };
/** Seconds in which the goodput after the trouble is measured. */
const measured = 5;
/** Requests a second: about half of what the shop can do. */
const usual = 120;

export const troubles = {
  'a spike of ten times the load': { path: '/cpu', spike: 10, storeTime: 20 },
  'a store that takes 2 s': { path: '/store', spike: 1, storeTime: 2_000 },
};
export type Trouble = keyof typeof troubles;

type Protection = {
  /** The service's own, by OVERLOAD_GUARDS. */
  guards: boolean;
  /** The clients' own. */
  budget: boolean;
};

/** Answers in time, as a share of the requests: before the trouble, in it, from 5 s after its end, and in the last 5 s. */
export type Goodput = { before: number; during: number; after: number; last: number };

/** Sends retrying clients to a service of its own that meets a trouble of 10 s; watches it for `watched` seconds more. */
export async function meet(
  trouble: Trouble,
  { guards, budget }: Protection,
  watched = parts.recovery + measured,
): Promise<Goodput> {
  const { path, spike, storeTime } = troubles[trouble];
  const [port, management] = [await freePort(), await freePort()];
  const shop = startProcess(
    'shop',
    new URL('./fixtures/shop.ts', import.meta.url),
    {
      ...process.env,
      PORT: String(port),
      MANAGEMENT_PORT: String(management),
      LOG_LEVEL: 'silent',
      OVERLOAD_GUARDS: guards ? 'all' : 'process',
    },
    () => undefined,
  );
  const clients = startChild(new URL('./fixtures/clients.ts', import.meta.url));
  try {
    await shop.ready;
    await clients.ask({ connectTo: port });
    const order: ClientsOrder = {
      port,
      path,
      budget,
      phases: [
        { rate: usual, seconds: parts.before },
        { rate: usual * spike, seconds: parts.trouble },
        { rate: usual, seconds: watched },
      ],
    };
    const answered = clients.ask<ClientsResult>(order);
    await wait(parts.before * 1_000);
    shop.child.send({ storeTime });
    await wait(parts.trouble * 1_000);
    shop.child.send({ storeTime: 20 });
    return goodputOf(await answered);
  } finally {
    clients.stop();
    shop.kill('SIGKILL');
    await shop.exited;
  }
}

function goodputOf({ sent, good }: ClientsResult): Goodput {
  const share = (from: number, seconds: number) => sum(good, from, seconds) / sum(sent, from, seconds);
  const end = parts.before + parts.trouble;
  return {
    // The first second is the warm-up.
    before: share(1, parts.before - 1),
    during: share(parts.before, parts.trouble),
    after: share(end + parts.recovery, measured),
    last: share(sent.length - measured, measured),
  };
}

function sum(values: number[], from: number, count: number): number {
  return values.slice(from, from + count).reduce((total, value) => total + value, 0);
}
