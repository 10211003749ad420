/** A short trouble, and what comes after it: with and without what keeps it short. */
import { setTimeout as wait } from 'node:timers/promises';
import { type Child, startChild } from '../bench/child.ts';
import { withoutToxiproxy } from '../chaos/toxiproxy.ts';
import { missingServers } from '../stores/coverage.ts';
import { openBilling } from './billing-scene.ts';
import type { ClientsOrder, ClientsResult } from './fixtures/clients.ts';
import type { Protection, Scene } from './scene.ts';
import { openShop } from './shop-scene.ts';

/** Seconds of each part of a run, without its end. */
const parts = { before: 6, trouble: 10, recovery: 5 };
/** Seconds in which the goodput after the trouble is measured. */
const measured = 5;

/** Each lasts 10 s: `spike` times the usual load, and a store that is slow or not. `lacks` says why it cannot be had here. */
export const troubles = {
  'a spike of ten times the load': {
    open: (protection: Protection) => openShop('/cpu', protection),
    spike: 10,
    isStoreSlow: false,
    lacks: '',
  },
  'a store that takes 2 s': {
    open: (protection: Protection) => openShop('/store', protection),
    spike: 1,
    isStoreSlow: true,
    lacks: '',
  },
  "billing's MongoDB answering 2 s late": {
    open: openBilling,
    spike: 1,
    isStoreSlow: true,
    lacks: [...missingServers(process.env), withoutToxiproxy].filter(Boolean).join(', '),
  },
};
export type Trouble = keyof typeof troubles;

/** Answers in time, as a share of the requests: before the trouble, in it, from 5 s after its end, and in the last 5 s. */
export type Goodput = { before: number; during: number; after: number; last: number };

/** Sends retrying clients to a system that meets a trouble of 10 s; watches it for `watched` seconds more. */
export async function meet(
  trouble: Trouble,
  protection: Protection,
  watched = parts.recovery + measured,
): Promise<Goodput> {
  const { open, spike, isStoreSlow } = troubles[trouble];
  const scene = await open(protection);
  const clients = startChild(new URL('./fixtures/clients.ts', import.meta.url));
  try {
    const usual = await halfOf(scene, clients);
    const order: ClientsOrder = {
      port: scene.port,
      request: scene.request,
      budget: protection.budget,
      phases: [
        { rate: usual, seconds: parts.before },
        { rate: usual * spike, seconds: parts.trouble },
        { rate: usual, seconds: watched },
      ],
    };
    const answered = clients.ask<ClientsResult>(order);
    await wait(parts.before * 1_000);
    if (isStoreSlow) await scene.slow();
    await wait(parts.trouble * 1_000);
    await scene.heal();
    return goodputOf(await answered);
  } finally {
    clients.stop();
    await scene.close();
  }
}

/** Half of what a system can do, on this machine and now: requests a second. */
async function halfOf({ port, request }: Scene, clients: Child): Promise<number> {
  const order = { port, request, callers: 16, seconds: 3 };
  // The first time is the warm-up.
  await clients.ask(order);
  const { rate } = await clients.ask<{ rate: number }>(order);
  return rate / 2;
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
