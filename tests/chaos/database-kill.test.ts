import { setTimeout as wait } from 'node:timers/promises';
import { logIn } from '@slipway/contracts/users';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingServers } from '../stores/coverage.ts';
import { ok } from '../support/http.ts';
import { startMongoServer } from '../support/mongo-server.ts';
import { realServers } from '../support/stores.ts';
import { type System, startSystem } from '../support/system.ts';
import { expectBooksToBalance, expectReportsToAgree } from './books.ts';
import { type Acknowledged, unlimited, whileCustomersCome } from './customers.ts';
import { expectRecovery, expectUnreadyButAlive, pidsOf } from './watch.ts';

const { TEST_MONGODB_IMAGE = '' } = process.env;
const missing = [
  ...missingServers(process.env),
  ...(TEST_MONGODB_IMAGE ? [] : ['TEST_MONGODB_IMAGE is not set']),
].join(', ');
const skipped = missing && ` (skipped: ${missing})`;

describe.skipIf(missing)(`services whose database server is killed${skipped}`, () => {
  let server: Awaited<ReturnType<typeof startMongoServer>>;
  let system: System;
  let admin: string;
  const told: Acknowledged[] = [];

  beforeAll(async () => {
    server = await startMongoServer(TEST_MONGODB_IMAGE);
    const servers = { ...realServers(), mongodb: server.url };
    system = await startSystem({ stores: 'real', servers, env: unlimited });
    admin = (await ok(system.base, logIn, { body: system.admin })).accessToken;
  }, 60_000);
  afterAll(async () => {
    await system?.stop();
    await server?.remove();
  });

  it('go on when it is back, in the same processes', { timeout: 150_000 }, async () => {
    const pids = pidsOf(system);
    await whileCustomersCome({ base: system.base, admin, told }, async () => {
      for (let times = 0; times < 3; times++) {
        await wait(500 + Math.random() * 1_500);
        await server.kill();
        await expectUnreadyButAlive(system, ['users', 'billing']);
        await server.start();
        await expectRecovery(system, admin, pids);
      }
    });
    expect(told.length).toBeGreaterThanOrEqual(3);
  });

  it('have charged every customer once, and the ledger balances', () =>
    expectBooksToBalance(system.base, admin, told));

  it('have counted everything once, and counting again gives the same', () =>
    expectReportsToAgree(system.base, admin, told));
});
