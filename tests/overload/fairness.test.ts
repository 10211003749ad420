import { setTimeout as wait } from 'node:timers/promises';
import { listInvoices } from '@slipway/contracts/billing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Caller } from '../support/caller.ts';
import { ok } from '../support/http.ts';
import { newPerson, type Person } from '../support/people.ts';
import { type System, startSystem } from '../support/system.ts';
import { left } from './left-out.ts';

/** So many times at once somebody asks, and again soon after each answer: more than billing can do in time. */
const noise = 2_500;

let system: System;
let noisy: Person;
let quiet: Person;

beforeAll(async () => {
  if (left) return;
  system = await startSystem({ env: { RATE_LIMIT: '1000000', LOG_LEVEL: 'silent' } });
  [noisy, quiet] = [await newPerson(system.base), await newPerson(system.base)];
}, 60_000);
afterAll(() => system?.stop());

/** Asks a service directly, on a connection that is kept, until `isOver`; gives how often each status came. */
async function keepAsking(port: number, { token }: Person, pause: number, isOver: () => boolean) {
  const request = `GET ${listInvoices.url} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n\r\n`;
  const statuses = new Map<number, number>();
  const caller = new Caller(port);
  while (!isOver()) {
    const status = await new Promise<number>((resolve) => caller.ask(request, performance.now(), resolve));
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    await wait(pause);
  }
  caller.giveUp();
  return statuses;
}

describe.skipIf(left)(`billing${left}, asked by one for more than it can do`, () => {
  it('answers the others, whoever stands in front of it', async () => {
    const port = Number(new URL(system.services.billing.address).port);
    // From now on both are known by their tokens.
    await Promise.all(
      [noisy, quiet].map((each) => ok(system.services.billing.address, listInvoices, {}, each)),
    );
    let asked = 0;
    const isOver = () => asked >= 100;
    const loud = Array.from({ length: noise }, () => keepAsking(port, noisy, 50, isOver));
    const answers = await keepAsking(port, quiet, 20, () => {
      asked += 1;
      return isOver();
    });
    const refused = (await Promise.all(loud)).reduce((sum, statuses) => sum + (statuses.get(503) ?? 0), 0);
    expect(refused).toBeGreaterThan(noise);
    expect([...answers.keys()]).toEqual([200]);
  }, 60_000);
});
