import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ReportedEvent } from '../figures.ts';
import { finishRebuild, rebuild } from '../rebuild.ts';
import { paid, refunded, started, used } from '../testing/events.ts';
import { damages, type Opened } from './store.contract.ts';
import type { ReportingStore } from './store.ts';

/** The contract of a rebuild of reporting's figures, whatever the technology of the store. */
export function describeRebuild(name: string, open: () => Promise<Opened>): void {
  describe(`a rebuild on ${name}`, () => {
    let opened: Opened;
    let store: ReportingStore;
    beforeEach(async () => {
      opened = await open();
      store = opened.store;
    });
    afterEach(() => store.close());

    const usage = () => store.largest('usage', 'calls', 10);
    const apply = (...events: ReportedEvent[]) => Promise.all(events.map((event) => store.apply(event)));
    const many = Array.from({ length: 450 }, (_, n) => used({ quantity: n, subscriptionId: `s${n % 7}` }));

    it('finds the snapshots equal if nothing went wrong', async () => {
      await apply(...many, started({}), paid({}), refunded({}));
      const before = await usage();
      expect(await rebuild(store)).toEqual({ events: 453, equal: true });
      expect(await usage()).toEqual(before);
    });

    it.for(damages)('finds a figure that was %s, and repairs it', async (how, test) => {
      if (!opened.damage) return test.skip();
      await apply(...many);
      const before = await usage();
      await opened.damage(how);
      expect(await usage()).not.toEqual(before);
      expect(await rebuild(store)).toEqual({ events: 450, equal: false });
      expect(await usage()).toEqual(before);
      expect(await rebuild(store)).toEqual({ events: 450, equal: true });
    });

    it('counts events that arrive during a rebuild once', async () => {
      await apply(...many, started({ version: 1, planId: 'basic' }));
      const snapshot = await store.beginRebuild();
      expect(await store.recount(snapshot, 100)).toBe(100);
      // The newer version is counted before the rebuild reaches the older one.
      await apply(started({ version: 2, planId: 'pro' }), used({ quantity: 1_000, subscriptionId: 'late' }));
      while ((await store.recount(snapshot, 100)) > 0);
      await apply(used({ quantity: 1, subscriptionId: 'late' }));
      expect(await store.finishRebuild(snapshot)).toBe(true);
      expect(await store.largest('usage', 'calls', 10)).toContainEqual(
        expect.objectContaining({ breakdown: 'late/u1', sums: [1_001, 2] }),
      );
      const active = (await store.figures('recurring', {}, 10)).filter(({ sums }) => sums[0] !== 0);
      expect(active.map(({ group }) => group)).toEqual(['pro']);
      expect(await rebuild(store)).toEqual({ events: 454, equal: true });
    });

    it('leaves the current figures unchanged until it has finished', async () => {
      await apply(...many);
      const before = await usage();
      const snapshot = await store.beginRebuild();
      await store.recount(snapshot, 100);
      expect(await usage()).toEqual(before);
    });

    it('is superseded by one that begins later', async () => {
      await apply(...many);
      const first = await store.beginRebuild();
      await store.recount(first, 100);
      const second = await store.beginRebuild();
      const superseded = expect.objectContaining({ code: 'conflict' });
      await expect(store.recount(first, 100)).rejects.toThrow(superseded);
      await expect(store.finishRebuild(first)).rejects.toThrow(superseded);
      while ((await store.recount(second, 100)) > 0);
      expect(await store.finishRebuild(second)).toBe(true);
    });

    it('can be continued after a crash in the middle of one, by another replica, too', async () => {
      await apply(...many);
      const snapshot = await store.beginRebuild();
      await store.recount(snapshot, 100);
      store = (await opened.reopen?.()) ?? store;
      await apply(used({ quantity: 1 }));
      expect(await finishRebuild(store, snapshot)).toEqual({ events: 350, equal: true });
    });

    it('counts each event once if two replicas count into one snapshot', async () => {
      await apply(...many);
      const snapshot = await store.beginRebuild();
      const attempts = await Promise.allSettled([1, 2].map(() => store.recount(snapshot, 100)));
      expect(attempts.some(({ status }) => status === 'fulfilled')).toBe(true);
      expect(await finishRebuild(store, snapshot)).toMatchObject({ equal: true });
    });

    it('can start again after a crash in the middle of one', async () => {
      await apply(...many);
      await store.recount(await store.beginRebuild(), 100);
      store = (await opened.reopen?.()) ?? store;
      await apply(used({ quantity: 1 }));
      expect(await rebuild(store)).toEqual({ events: 451, equal: true });
    });
  });
}
