import { RejectedEvent } from '@slipway/platform/events/inbox';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ReportedEvent } from '../figures.ts';
import { rebuild } from '../rebuild.ts';
import { paid, started, used } from '../testing/events.ts';
import type { ReportingStore } from './store.ts';

export const damages = ['changed', 'lost', 'invented'] as const;
export type Damage = (typeof damages)[number];

/** A store may return an event some seconds after it was stored; milliseconds. */
const settling = { timeout: 25_000, interval: 500 };

export type Opened = {
  store: ReportingStore;
  /** Changes, deletes or adds a usage figure without the store; absent if nobody else can access the data. */
  damage?(how: Damage): Promise<void>;
  /** Closes the store and opens the same data again; absent if the data is lost with the store. */
  reopen?(): Promise<ReportingStore>;
  /** Opens the same data a second time, as another replica does; absent if only one process can. */
  openBeside?(): Promise<ReportingStore>;
};

/** The contract of reporting's store, whatever its technology. */
export function describeStore(name: string, open: () => Promise<Opened>): void {
  describe(`reporting's store on ${name}`, () => {
    let opened: Opened;
    let store: ReportingStore;
    beforeEach(async () => {
      opened = await open();
      store = opened.store;
    });
    afterEach(() => store.close());

    const usage = () => store.largest('usage', 'calls', 10);
    const apply = (...events: ReportedEvent[]) => Promise.all(events.map((event) => store.apply(event)));

    it('counts an event once, however often it is applied at the same time', async () => {
      const event = used({ quantity: 5 });
      const outcomes = await Promise.all(Array.from({ length: 5 }, () => store.apply(event)));
      expect(outcomes.sort()).toEqual(['applied', 'duplicate', 'duplicate', 'duplicate', 'duplicate']);
      expect((await usage()).map(({ sums }) => sums)).toEqual([[5, 1]]);
    });

    it('counts an event once if two replicas apply it at the same time', async (test) => {
      const other = await opened.openBeside?.();
      if (!other) return test.skip();
      const events = Array.from({ length: 50 }, (_, n) => used({ quantity: n }));
      const outcomes = await Promise.all(
        [...events, ...events].map((event, n) => (n < 50 ? store : other).apply(event)),
      );
      await other.close();
      expect(outcomes.filter((outcome) => outcome === 'applied')).toHaveLength(50);
      expect((await usage()).map(({ sums }) => sums)).toEqual([[(49 * 50) / 2, 50]]);
    });

    it('stores the newest state of a subscription, whichever replica applies which change', async (test) => {
      const other = await opened.openBeside?.();
      if (!other) return test.skip();
      const versions = Array.from({ length: 10 }, (_, n) =>
        started({ version: n + 1, planId: `plan-${n + 1}` }),
      );
      const shuffled = [...versions.slice(5), ...versions.slice(0, 5)];
      await Promise.all(shuffled.map((event, n) => (n % 2 === 0 ? store : other).apply(event)));
      await other.close();
      const active = (await store.figures('recurring', {}, 20)).filter(({ sums }) => sums[0] !== 0);
      expect(active.map(({ group, sums }) => [group, ...sums])).toEqual([['plan-10', 1, 900]]);
    });

    it('neither stores nor counts an event that it rejects', async () => {
      await apply(paid({ amount: Number.MAX_SAFE_INTEGER }));
      const tooMuch = paid({ amount: 1 });
      await expect(store.apply(tooMuch)).rejects.toThrow(RejectedEvent);
      expect(await store.figures('revenue', {}, 10)).toMatchObject([{ sums: [Number.MAX_SAFE_INTEGER, 0] }]);
      expect(await rebuild(store)).toEqual({ events: 1, equal: true });
    });

    it('lists figures in order, after a position, within a range', async () => {
      const days = ['2026-03-03', '2026-03-01', '2026-03-02'];
      await apply(
        ...days.flatMap((day) => ['pro', 'basic'].map((planId) => paid({ planId, at: `${day}T00:00:00Z` }))),
      );
      const all = await store.figures('revenue', {}, 10);
      expect(all.map(({ group, breakdown }) => `${group} ${breakdown}`)).toEqual([
        '2026-03-01 basic/EUR',
        '2026-03-01 pro/EUR',
        '2026-03-02 basic/EUR',
        '2026-03-02 pro/EUR',
        '2026-03-03 basic/EUR',
        '2026-03-03 pro/EUR',
      ]);
      const range = { from: '2026-03-02', to: '2026-03-03' };
      expect(await store.figures('revenue', range, 2)).toEqual(all.slice(2, 4));
      expect(await store.figures('revenue', range, 2, all[3])).toEqual(all.slice(4, 6));
      expect(await store.figures('revenue', { to: '2026-03-01' }, 10, all[0])).toEqual(all.slice(1, 2));
    });

    it('returns the largest figures of a group', async () => {
      await apply(...[3, 9, 6].map((quantity) => used({ quantity, subscriptionId: `s${quantity}` })));
      await apply(used({ metric: 'storage', quantity: 100 }));
      const largest = await store.largest('usage', 'calls', 2);
      expect(largest.map(({ sums: [quantity] }) => quantity)).toEqual([9, 6]);
    });

    it('returns exact sums up to 2^53 - 1, largest first', async () => {
      const sizes = [Number.MAX_SAFE_INTEGER - 1, 0, Number.MAX_SAFE_INTEGER, 10, 9];
      await apply(...sizes.map((quantity, n) => used({ quantity, subscriptionId: `s${n}` })));
      const quantities = (await usage()).map(({ sums: [quantity] }) => quantity);
      expect(quantities).toEqual([Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1, 10, 9, 0]);
    });

    it('sorts figures of equal size, and groups with a common prefix', async () => {
      const subscriptions = ['s.1', 's-1', 's', 's:1', 'S_1'];
      await apply(...subscriptions.map((subscriptionId) => used({ subscriptionId, metric: 'calls' })));
      await apply(used({ metric: 'calls-eu' }), used({ metric: 'calls.eu' }), used({ metric: 'call' }));
      const inOrder = ['S_1', 's', 's-1', 's.1', 's:1'].map((subscription) => `${subscription}/u1`).sort();
      expect((await usage()).map(({ breakdown }) => breakdown)).toEqual(inOrder);
      const groups = (await store.figures('usage', {}, 20)).map(({ group }) => group);
      expect([...new Set(groups)]).toEqual(['call', 'calls', 'calls-eu', 'calls.eu']);
    });

    it('stores dead letters until they are deleted', async () => {
      const events = ['a', 'b', 'c'].map((id) => used({ id }));
      for (const event of events) await store.addDeadLetter(event, 'because', '2026-03-01T00:00:00Z');
      const [first] = await store.deadLetters(1);
      expect(first).toEqual({ event: events[0], reason: 'because', at: '2026-03-01T00:00:00Z' });
      expect(await store.deadLetters(10, { at: '2026-03-01T00:00:00Z', id: 'a' })).toHaveLength(2);
      expect(await store.findDeadLetter('b')).toEqual(events[1]);
      await store.removeDeadLetter('b');
      expect(await store.findDeadLetter('b')).toBeUndefined();
    });

    describe('pages of stored events', () => {
      /** Reads pages until one is empty. */
      async function read(cursor?: string) {
        const events = [];
        for (;;) {
          const page = await store.storedEvents(cursor, 7);
          cursor = page.cursor;
          if (page.events.length === 0) return { events, cursor };
          events.push(...page.events);
        }
      }
      const byId = (events: ReportedEvent[]) => [...events].sort((a, b) => (a.id < b.id ? -1 : 1));

      it('have every event as it was delivered', async () => {
        const events = [...Array.from({ length: 20 }, () => used({})), paid({}), started({})];
        await apply(...events);
        expect(byId((await read()).events)).toEqual(byId(events));
      });

      it('begin after a cursor, even one that was returned before there was an event', async () => {
        const { cursor: first } = await read();
        const events = Array.from({ length: 20 }, () => used({}));
        await apply(...events);
        const read20 = () => read(first);
        await expect.poll(read20, settling).toMatchObject({ events: { length: 20 } });
        const { cursor } = await read20();
        expect((await read(cursor)).events).toEqual([]);
        const late = used({});
        await apply(late);
        await expect.poll(async () => (await read(cursor)).events, settling).toEqual([late]);
      }, 60_000);
    });

    it('has all its data when it is opened again', async (test) => {
      if (!opened.reopen) return test.skip();
      await apply(used({ id: 'once', quantity: 5 }));
      const before = await usage();
      store = await opened.reopen();
      expect(await store.apply(used({ id: 'once', quantity: 5 }))).toBe('duplicate');
      expect(await usage()).toEqual(before);
    });
  });
}
