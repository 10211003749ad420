import type { DomainEvent } from '@slipway/contract-kit/event';
import { describe, expect, it, onTestFinished } from 'vitest';
import { event } from '../events.ts';
import { sum } from '../money.ts';
import { type UsageRecord, usageEvents } from '../usage.ts';
import type { BillingStore } from './store.ts';

const usage = (id: string, facts: Partial<UsageRecord> = {}): UsageRecord => ({
  ...{
    id,
    subscriptionId: 's1',
    userId: 'u1',
    metric: 'api_calls',
    quantity: 5,
    at: '2026-01-31T10:00:00.000Z',
    period: 1,
  },
  ...facts,
});
const noEvents = (): DomainEvent[] => [];
const ids = (items: { id: string }[]) => items.map(({ id }) => id);

/**
 * The contract suite of stored usage records.
 *
 * @param openAgain opens the same data once more, as another replica does; absent where that is not possible
 */
export function describeUsage(
  open: () => BillingStore,
  openAgain: () => Promise<BillingStore | undefined>,
): void {
  describe('usage', () => {
    it('is added once per subscription and record id, the rest told apart', async () => {
      expect(await open().usage.add([usage('r1')], noEvents)).toEqual(['added']);
      const again = [usage('r2'), usage('r1'), usage('r2'), usage('r1', { subscriptionId: 's2' })];
      expect(await open().usage.add(again, noEvents)).toEqual(['added', 'duplicate', 'duplicate', 'added']);
      const changed = [{ quantity: 6 }, { metric: 'storage' }, { at: '2026-02-01T00:00:00.000Z' }];
      expect(
        await open().usage.add(
          changed.map((facts) => usage('r1', facts)),
          noEvents,
        ),
      ).toEqual(['conflict', 'conflict', 'conflict']);
    });

    it('is told together with what was added, of that alone', async () => {
      const seen: string[][] = [];
      const eventsOf = (added: UsageRecord[]) => {
        seen.push(ids(added));
        return added.map(({ id }) => event('user.deleted', id, { userId: 'u1' }));
      };
      await open().usage.add([usage('r1'), usage('r1')], eventsOf);
      await open().usage.add([usage('r2'), usage('r1', { quantity: 9 })], eventsOf);
      expect(seen).toEqual([['r1'], ['r2']]);
      expect(ids(await open().outbox.pending(10))).toEqual(['user.deleted:r1', 'user.deleted:r2']);
    });

    it('is added as a whole or not at all', async () => {
      const eventsOf = () => {
        throw new Error('no events');
      };
      await expect(open().usage.add([usage('r1')], eventsOf)).rejects.toThrow('no events');
      expect(await open().usage.totals('s1')).toEqual([]);
      expect(await open().usage.add([usage('r1')], noEvents)).toEqual(['added']);
    });

    it('is added up by period and metric, sorted by both', async () => {
      await open().usage.add(
        [
          usage('r1', { period: 1 }),
          usage('r2', { period: 2, quantity: 7 }),
          usage('r3', { period: 2, metric: 'storage' }),
          usage('r4', { period: 3, quantity: 1_000_000_000 }),
          usage('r5', { subscriptionId: 's2', quantity: 11 }),
          usage('r1', { quantity: 99 }),
        ],
        noEvents,
      );
      await open().usage.add([usage('r6', { period: 2 })], noEvents);
      const calls = (period: number, quantity: number, records: number) => ({
        ...{ period, metric: 'api_calls', quantity, records },
      });
      expect(await open().usage.totals('s1')).toEqual([
        calls(1, 5, 1),
        calls(2, 12, 2),
        { period: 2, metric: 'storage', quantity: 5, records: 1 },
        calls(3, 1_000_000_000, 1),
      ]);
      expect(await open().usage.totals('s3')).toEqual([]);
    });

    it('counts and tells each record once when replicas are sent the same ones at the same moment', async () => {
      const replica = await openAgain();
      if (replica) onTestFinished(() => replica.close());
      const stores = [open(), replica ?? open()];
      const batchOf = (n: number) => Array.from({ length: 20 }, (_, index) => usage(`r${n * 10 + index}`));
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          stores[n % 2]?.usage.add(batchOf(Math.floor(n / 2)), usageEvents),
        ),
      );
      // 25 batches of 20 that overlap by half make 260 records.
      const found = outcomes.flat();
      expect(found.filter((outcome) => outcome === 'added')).toHaveLength(260);
      expect(found.filter((outcome) => outcome === 'duplicate')).toHaveLength(740);
      const counted = [{ period: 1, metric: 'api_calls', quantity: 1_300, records: 260 }];
      for (const store of stores) expect(await store.usage.totals('s1')).toEqual(counted);
      const told = (await open().outbox.pending(100)).map(({ data }) => data);
      expect(sum(told.map(({ quantity }) => Number(quantity)))).toBe(1_300);
      expect(sum(told.map(({ records }) => Number(records)))).toBe(260);
    });

    it('is added by replicas in turn, each to what the others have added', async () => {
      const replica = await openAgain();
      if (replica) onTestFinished(() => replica.close());
      const stores = [open(), replica ?? open()];
      for (let n = 0; n < 6; n++) {
        const records = [usage(`r${n}`), usage(`r${n - 1}`)];
        const outcomes = n === 0 ? ['added', 'added'] : ['added', 'duplicate'];
        expect(await stores[n % 2]?.usage.add(records, noEvents)).toEqual(outcomes);
      }
      const counted = [{ period: 1, metric: 'api_calls', quantity: 35, records: 7 }];
      for (const store of stores) expect(await store.usage.totals('s1')).toEqual(counted);
    });

    it('is rejected where the sum of its metric over all periods would be too large for a number', async () => {
      const almost = usage('r1', { quantity: Number.MAX_SAFE_INTEGER - 1 });
      await open().usage.add([almost, usage('s', { metric: 'storage' })], noEvents);
      const more = (id: string, quantity: number, facts = {}) => usage(id, { quantity, period: 2, ...facts });
      const batch = [
        more('r2', 2),
        more('r3', 1),
        more('r4', 1),
        more('r5', 2, { subscriptionId: 's2' }),
        almost,
      ];
      const told: string[][] = [];
      const eventsOf = (added: UsageRecord[]) => {
        told.push(ids(added));
        return [];
      };
      expect(await open().usage.add(batch, eventsOf)).toEqual([
        ...['too_large', 'added', 'too_large', 'added', 'duplicate'],
      ]);
      expect(told.flat().sort()).toEqual(['r3', 'r5']);
      expect(await open().usage.totals('s1')).toMatchObject([
        { period: 1, quantity: Number.MAX_SAFE_INTEGER - 1, records: 1 },
        { period: 1, metric: 'storage' },
        { period: 2, quantity: 1, records: 1 },
      ]);
      // A rejected record leaves nothing behind: its id can be used again.
      expect(await open().usage.add([more('r2', 0)], noEvents)).toEqual(['added']);
    });
  });
}
