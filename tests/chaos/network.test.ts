import { setTimeout as wait } from 'node:timers/promises';
import { logIn } from '@slipway/contracts/users';
import { afterAll, afterEach, beforeAll, describe, it } from 'vitest';
import { missingServers } from '../stores/coverage.ts';
import { ok } from '../support/http.ts';
import { realServers } from '../support/stores.ts';
import { type System, startSystem } from '../support/system.ts';
import { expectBooksToBalance, expectReportsToAgree } from './books.ts';
import { type Acknowledged, unlimited, whileCustomersCome } from './customers.ts';
import { startToxiproxy, type Toxic, type Way, withoutToxiproxy } from './toxiproxy.ts';
import { expectBoundedAnswers, expectRecovery, expectUnreadyButAlive, pidsOf } from './watch.ts';

const narrow: Toxic = { type: 'bandwidth', attributes: { rate: 1 } };

/** How the way to the databases goes bad, and whether readiness must tell. */
const faults: { name: string; harm: Toxic[] | 'cut'; unready: boolean }[] = [
  { name: 'answer 2 s late', harm: [{ type: 'latency', attributes: { latency: 2_000 } }], unready: true },
  { name: 'swallow everything', harm: [{ type: 'timeout', attributes: { timeout: 0 } }], unready: true },
  // Small answers still pass, so services may well be ready.
  {
    name: 'break off mid-answer',
    harm: [{ type: 'limit_data', attributes: { bytes: 2_000 } }],
    unready: false,
  },
  { name: 'pass 1 KB a second', harm: [narrow, { ...narrow, stream: 'upstream' }], unready: false },
  { name: 'reset connections', harm: [{ type: 'reset_peer', attributes: { timeout: 20 } }], unready: true },
  { name: 'refuse connections', harm: 'cut', unready: true },
];
/** How long a fault lasts while answers are watched; milliseconds. */
const duration = 4_000;

const missing = [...missingServers(process.env), ...(withoutToxiproxy ? [withoutToxiproxy] : [])].join(', ');
const skipped = missing && ` (skipped: ${missing})`;

describe.skipIf(missing)(`services whose databases${skipped}`, () => {
  let toxiproxy: Awaited<ReturnType<typeof startToxiproxy>>;
  let ways: Way[];
  let system: System;
  let admin: string;
  const told: Acknowledged[] = [];

  beforeAll(async () => {
    toxiproxy = await startToxiproxy();
    const { mongodb, datastore } = realServers();
    const toMongo = await toxiproxy.proxy(new URL(mongodb).host);
    const toDatastore = await toxiproxy.proxy(datastore);
    ways = [toMongo, toDatastore];
    const servers = { mongodb: `mongodb://${toMongo.address}`, datastore: toDatastore.address };
    system = await startSystem({ stores: 'real', servers, env: unlimited });
    admin = (await ok(system.base, logIn, { body: system.admin })).accessToken;
    await expectRecovery(system, admin, pidsOf(system));
  });
  afterEach(() => toxiproxy.heal());
  afterAll(async () => {
    await system?.stop();
    await toxiproxy?.stop();
  });

  it.each(faults)(
    '$name give bounded answers and recover by themselves',
    { timeout: 90_000 },
    async (fault) => {
      const pids = pidsOf(system);
      await whileCustomersCome({ base: system.base, admin, told }, async () => {
        await wait(500 + Math.random() * 1_500);
        await Promise.all(ways.map((way) => spoil(way, fault.harm)));
        await Promise.all([
          expectBoundedAnswers(system, admin, duration),
          fault.unready && expectUnreadyButAlive(system),
        ]);
        await toxiproxy.heal();
        await expectRecovery(system, admin, pids);
      });
    },
  );

  it('have charged every customer once, and the ledger balances', () =>
    expectBooksToBalance(system.base, admin, told));

  it('have counted everything once, and counting again gives the same', () =>
    expectReportsToAgree(system.base, admin, told));
});

async function spoil(way: Way, harm: Toxic[] | 'cut'): Promise<void> {
  if (harm === 'cut') return way.cut();
  for (const toxic of harm) await way.add(toxic);
}
