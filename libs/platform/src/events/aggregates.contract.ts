import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Aggregate, AggregateStore, Change } from './aggregates.ts';
import { newEvent } from './new-event.ts';
import type { OutboxStore } from './outbox.ts';

/** An empty store of aggregates as its service sees it, by two connections to the same data. */
export type OpenAggregates<T extends Aggregate, Also> = {
  stores: [AggregateStore<T, Also>, AggregateStore<T, Also>];
  /** Absent for aggregates that cause no events. */
  outbox?: OutboxStore;
  close(): Promise<void>;
};

type Sample<T extends Aggregate, Also> = {
  /** Adds an aggregate. */
  first: Change<T, Also>;
  /** Written by each further change besides the aggregate and its event. */
  also: Also;
  /** Absent if the aggregates have no unique value besides their id. */
  unique?: {
    /** Adds another aggregate with the unique value of the first. */
    same: Change<T, Also>;
    /** Adds that aggregate with a unique value of its own. */
    free: Change<T, Also>;
    /** The error that the store throws for `same`. */
    taken: unknown;
  };
};

const ids = (items: { id: string }[]) => items.map(({ id }) => id);

/** The contract suite of aggregate stores: what each of them promises. */
export function aggregatesContract<T extends Aggregate, Also>(
  name: string,
  open: () => Promise<OpenAggregates<T, Also>>,
  { first, also, unique }: Sample<T, Also>,
): void {
  describe(`aggregates: ${name}`, () => {
    let opened: OpenAggregates<T, Also>;
    let aggregates: AggregateStore<T, Also>;
    beforeEach(async () => {
      opened = await open();
      aggregates = opened.stores[0];
    });
    afterEach(() => opened.close());

    const { id } = first.next;
    const eventsOf = (name: string) =>
      opened.outbox ? [newEvent('test', 'it.happened', {}, `${name}:${id}`)] : [];
    const changeTo = (version: number): Change<T, Also> => ({
      ...also,
      next: { ...first.next, version },
      events: eventsOf(`version ${version}`),
    });
    const waiting = async () => ids((await opened.outbox?.pending(100)) ?? []);
    /** Ten calls at the same time, by both connections. */
    const race = (call: (store: AggregateStore<T, Also>) => Promise<boolean>) =>
      Promise.all(Array.from({ length: 10 }, (_, index) => call(opened.stores[index % 2 ? 1 : 0])));

    it('are read as they were written, with their event in the outbox', async () => {
      expect(await aggregates.get(id)).toBeUndefined();
      expect(await aggregates.add(first)).toBe(true);
      expect(await aggregates.get(id)).toEqual(first.next);
      expect(await opened.stores[1].get(id)).toEqual(first.next);
      expect(await waiting()).toEqual(ids(first.events));
    });

    it('are added once per id, with one event', async () => {
      await aggregates.add(first);
      expect(await aggregates.add(changeTo(7))).toBe(false);
      expect(await aggregates.get(id)).toEqual(first.next);
      expect(await waiting()).toEqual(ids(first.events));
    });

    it('are added by one of ten rivals', async () => {
      expect((await race((each) => each.add(first))).filter(Boolean)).toHaveLength(1);
    });

    it('are replaced only from the version before', async () => {
      const second = changeTo(2);
      await aggregates.add(first);
      expect(await aggregates.replace(second)).toBe(true);
      expect(await aggregates.replace(second)).toBe(false);
      expect(await aggregates.get(id)).toEqual(second.next);
      expect(await waiting()).toEqual(ids([...first.events, ...second.events]));
    });

    it('are not replaced by a version that skips one', async () => {
      await aggregates.add(first);
      expect(await aggregates.replace(changeTo(3))).toBe(false);
      expect(await aggregates.get(id)).toEqual(first.next);
    });

    it('are not replaced where there is nothing', async () => {
      expect(await aggregates.replace(changeTo(2))).toBe(false);
      expect(await aggregates.get(id)).toBeUndefined();
      expect(await waiting()).toEqual([]);
    });

    it('let one of ten rivals win', async () => {
      await aggregates.add(first);
      expect((await race((each) => each.replace(changeTo(2)))).filter(Boolean)).toHaveLength(1);
    });

    it('are removed only in the version that is named, once, with their last event', async () => {
      await aggregates.add(first);
      expect(await aggregates.remove(id, { version: 7, events: eventsOf('gone') })).toBe(false);
      expect(await aggregates.get(id)).toEqual(first.next);
      const outcomes = await race((each) => each.remove(id, { version: 1, events: eventsOf('gone') }));
      expect(outcomes.filter(Boolean)).toHaveLength(1);
      expect(await aggregates.get(id)).toBeUndefined();
      expect(await waiting()).toEqual(ids([...first.events, ...eventsOf('gone')]));
    });

    it('are removed in any version if none is named', async () => {
      expect(await aggregates.remove(id)).toBe(false);
      await aggregates.add(first);
      await aggregates.replace(changeTo(2));
      expect(await aggregates.remove(id)).toBe(true);
      expect(await aggregates.remove(id)).toBe(false);
      expect(await aggregates.get(id)).toBeUndefined();
    });

    it('do not come back once they are removed', async () => {
      await aggregates.add(first);
      await aggregates.remove(id);
      expect(await aggregates.replace(changeTo(2))).toBe(false);
      expect(await aggregates.get(id)).toBeUndefined();
    });

    describe.runIf(unique)('with a unique value', () => {
      const { same, free, taken } = unique ?? { same: first, free: first };

      it('do not share it', async () => {
        await aggregates.add(first);
        await expect(aggregates.add(same)).rejects.toEqual(taken);
        expect(await aggregates.get(same.next.id)).toBeUndefined();
        expect(await waiting()).toEqual(ids(first.events));
      });

      it('do not take it from another by a replacement', async () => {
        await aggregates.add(first);
        await aggregates.add(free);
        const change = { ...same, next: { ...same.next, version: 2 } };
        await expect(aggregates.replace(change)).rejects.toEqual(taken);
        expect(await aggregates.get(free.next.id)).toEqual(free.next);
        expect(await waiting()).toEqual(ids([...first.events, ...free.events]));
      });

      it('free it when they are removed', async () => {
        await aggregates.add(first);
        await aggregates.remove(id);
        expect(await aggregates.add(same)).toBe(true);
      });
    });
  });
}
