import { fork } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { openMongo } from '@slipway/store-mongodb/database';
import { mongoOutbox } from '@slipway/store-mongodb/outbox';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { sum } from '../money.ts';
import { atEachCrashPoint } from '../testing/crash.ts';
import { drop, newMongoUrl } from '../testing/stores.ts';
import { type UsageRecord, usageEvents } from '../usage.ts';
import { billingMigrations, withEvents } from './mongodb.ts';
import { mongoUsage } from './mongodb-usage.ts';
import { openStore } from './open.ts';

const server = process.env.TEST_MONGODB_URL;
const began = '2026-01-31T10:00:00.000Z';
const facts = { userId: 'u1', metric: 'api_calls', quantity: 5, at: began, period: 1 };
const usage = (id: string, subscriptionId: string): UsageRecord => ({ ...facts, id, subscriptionId });

describe.skipIf(!server)('usage in MongoDB', () => {
  it('counts and tells once what is sent again after a crash, at whichever command that was', async () => {
    const url = newMongoUrl(server ?? '');
    const mongo = await openMongo(url, billingMigrations);
    onTestFinished(async () => {
      await mongo.close();
      await drop(url);
    });
    const outbox = mongoOutbox(mongo, withEvents);

    const points = await atEachCrashPoint(async ({ wrap }, name) => {
      const [s1, s2] = [`${name}, 1`, `${name}, 2`];
      const batch = [usage('r1', s1), usage('r2', s1), usage('r1', s2)];
      await mongoUsage(mongo, outbox).add([usage('r0', s1)], usageEvents);
      const dying = { ...mongo, ...wrap({ command: mongo.command }) };
      await mongoUsage(dying, outbox)
        .add(batch, usageEvents)
        .catch(() => undefined);

      const again = mongoUsage(mongo, outbox);
      await again.add([...batch, usage('r3', s1)], usageEvents);
      expect(await again.totals(s1), name).toEqual([
        { period: 1, metric: 'api_calls', quantity: 20, records: 4 },
      ]);
      expect(await again.totals(s2), name).toEqual([
        { period: 1, metric: 'api_calls', quantity: 5, records: 1 },
      ]);
      const told = (await outbox.pending(1_000)).filter(({ data }) => data.subscriptionId === s1);
      expect(sum(told.map(({ data }) => Number(data.quantity))), name).toBe(20);
    });
    expect(points).toBeGreaterThan(5);
  });

  it('says that it should be sent again when replicas take the number of every next page', async () => {
    const url = newMongoUrl(server ?? '');
    const mongo = await openMongo(url, billingMigrations);
    const chance = vi.spyOn(Math, 'random').mockReturnValue(0);
    onTestFinished(async () => {
      chance.mockRestore();
      await mongo.close();
      await drop(url);
    });
    const losing = { ...mongoOutbox(mongo, withEvents), write: async () => new Set([0]) as never };
    const adding = mongoUsage(mongo, losing).add([usage('r1', 's1')], usageEvents);
    await expect(adding).rejects.toMatchObject({ status: 503, retryAfter: 1 });
  });

  it('counts and tells once what processes send that are killed at any moment', {
    timeout: 60_000,
  }, async () => {
    const url = newMongoUrl(server ?? '');
    const store = await openStore(url);
    onTestFinished(async () => {
      await store.close();
      await drop(url);
    });
    await Promise.all([0, 5].map((first) => sendInSpiteOfKills(url, first)));

    const totals = await Promise.all(['s0', 's1', 's2', 's3'].map((id) => store.usage.totals(id)));
    const [quantity, records] = [9_990, 5_000];
    expect(sum(totals.flat().map((total) => total.quantity))).toBe(quantity);
    expect(sum(totals.flat().map((total) => total.records))).toBe(records);
    const told = (await store.outbox.pending(1_000)).map(({ data }) => data);
    expect(sum(told.map((data) => Number(data.quantity)))).toBe(quantity);
    expect(sum(told.map((data) => Number(data.records)))).toBe(records);
  });
});

/** Starts a sender and kills it after a moment, twice, and lets the third one finish. */
async function sendInSpiteOfKills(url: string, first: number): Promise<void> {
  const script = new URL('../testing/usage-sender.ts', import.meta.url);
  for (let kills = 0; ; kills++) {
    const sender = fork(script, [url, String(first + kills)]);
    const messages: unknown[] = [];
    sender.on('message', (message) => messages.push(message));
    const ended = once(sender, 'exit');
    await Promise.race([once(sender, 'message'), ended]);
    if (kills < 2) setTimeout(() => sender.kill('SIGKILL'), Math.random() * 300);
    await ended;
    if (messages.includes('sent')) return;
  }
}
