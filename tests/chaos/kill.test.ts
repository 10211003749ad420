import { setTimeout as wait } from 'node:timers/promises';
import { logIn } from '@slipway/contracts/users';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ok } from '../support/http.ts';
import { onEachStores } from '../support/suites.ts';
import { type System, startSystem } from '../support/system.ts';
import { expectBooksToBalance, expectReportsToAgree } from './books.ts';
import { type Acknowledged, unlimited, whileCustomersCome } from './customers.ts';

const victims = [
  'users',
  'billing',
  'reporting',
  'gateway',
  'billing',
  'users',
  'billing',
  'reporting',
] as const;

onEachStores('services that are killed at any moment', (stores) => {
  let system: System;
  let admin: string;
  const told: Acknowledged[] = [];

  beforeAll(async () => {
    system = await startSystem({ stores, env: unlimited });
    admin = (await ok(system.base, logIn, { body: system.admin })).accessToken;
  });
  afterAll(() => system.stop());

  it('answer every customer in the end', { timeout: 150_000 }, async () => {
    await whileCustomersCome({ base: system.base, admin, told }, async () => {
      for (const victim of victims) {
        await wait(300 + Math.random() * 900);
        await system.services[victim].kill('SIGKILL');
        await system.services[victim].start();
      }
    });
    expect(told.length).toBeGreaterThanOrEqual(3);
  });

  it('have charged every customer once, and the ledger balances', () =>
    expectBooksToBalance(system.base, admin, told));

  it('have counted everything once, and counting again gives the same', () =>
    expectReportsToAgree(system.base, admin, told));
});
