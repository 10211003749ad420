import type { DomainEvent } from '@slipway/contract-kit/event';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newEvent } from './new-event.ts';
import type { OutboxStore } from './outbox.ts';

/** An outbox as its service uses it, by two connections to the same data. */
export type OpenOutbox = {
  stores: [OutboxStore, OutboxStore];
  /** Writes an aggregate with its events in one atomic step, by the first connection. */
  write(events: DomainEvent[]): Promise<void>;
  /** Does the same, but fails before the step is complete. */
  failToWrite(events: DomainEvent[]): Promise<void>;
  close(): Promise<void>;
};

/** The contract of every outbox, whatever technology stores it. */
export function outboxContract(name: string, open: () => Promise<OpenOutbox>): void {
  describe(`outbox: ${name}`, () => {
    let opened: OpenOutbox;
    let outbox: OutboxStore;
    beforeEach(async () => {
      opened = await open();
      outbox = opened.stores[0];
    });
    afterEach(() => opened.close());

    const idsOf = async (store: OutboxStore, limit = 100) => (await store.pending(limit)).map(({ id }) => id);
    const many = (count: number, from = 0) =>
      Array.from({ length: count }, (_, index) =>
        newEvent('test', 'it.happened', {}, `event-${from + index}`),
      );

    it('returns events in the order in which they were written, up to the limit', async () => {
      await opened.write(many(2));
      await opened.write(many(10, 2));
      const ids = many(12).map(({ id }) => id);
      expect(await idsOf(outbox)).toEqual(ids);
      expect(await idsOf(outbox, 5)).toEqual(ids.slice(0, 5));
    });

    it('returns again what was not confirmed, and never what was', async () => {
      await opened.write(many(4));
      await outbox.delivered(['event-0', 'event-2']);
      expect(await idsOf(outbox)).toEqual(['event-1', 'event-3']);
      expect(await idsOf(outbox)).toEqual(['event-1', 'event-3']);
      await outbox.delivered(['event-1', 'event-3']);
      expect(await idsOf(outbox)).toEqual([]);
    });

    it('keeps the order after it was empty', async () => {
      await opened.write(many(3));
      await outbox.delivered(['event-0', 'event-1', 'event-2']);
      await opened.write(many(1, 3));
      await opened.write(many(1, 4));
      expect(await idsOf(outbox)).toEqual(['event-3', 'event-4']);
    });

    it('takes a confirmation twice, and one of an event it does not have', async () => {
      await opened.write(many(2));
      await outbox.delivered(['event-0', 'nobody']);
      await outbox.delivered(['event-0', 'nobody']);
      await outbox.delivered([]);
      expect(await idsOf(outbox)).toEqual(['event-1']);
    });

    it('stores an event that is written twice once', async () => {
      await opened.write(many(2));
      await opened.write(many(1));
      expect(await idsOf(outbox)).toEqual(['event-0', 'event-1']);
    });

    it('has no event of a write that failed', async () => {
      await opened.failToWrite(many(1)).catch(() => undefined);
      expect(await idsOf(outbox)).toEqual([]);
    });

    it('shows one connection what another wrote and confirmed', async () => {
      await opened.write(many(2));
      const [, second] = opened.stores;
      expect(await idsOf(second)).toEqual(['event-0', 'event-1']);
      await second.delivered(['event-0']);
      expect(await idsOf(outbox)).toEqual(['event-1']);
    });

    it('calls its listeners when events were written, and all can read them by then', async () => {
      const [, second] = opened.stores;
      const seen = new Promise<string[]>((resolve) => outbox.onAdded(() => resolve(idsOf(second))));
      await opened.write(many(1));
      expect(await seen).toEqual(['event-0']);
    });

    it('returns how many events wait and since when', async () => {
      expect(await outbox.backlog()).toEqual({ depth: 0 });
      const [first, second] = many(2);
      if (!first || !second) throw new Error('there are two');
      first.at = '2026-01-01T00:00:00.000Z';
      second.at = '2026-01-02T00:00:00.000Z';
      await opened.write([first, second]);
      expect(await outbox.backlog()).toEqual({ depth: 2, oldestAt: first.at });
      await outbox.delivered([first.id]);
      expect(await outbox.backlog()).toEqual({ depth: 1, oldestAt: second.at });
    });

    it('returns exactly what was written', async () => {
      const data = {
        text: 'Zoë 🚢 \u0000 \u2028 "quoted"',
        large: 'x'.repeat(500_000),
        deep: [{ a: null }],
        n: 1e15,
      };
      const event = {
        ...newEvent('test', 'it.happened', data),
        trace: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
      };
      await opened.write([event]);
      expect(await outbox.pending(1)).toEqual([event]);
    });
  });
}
