import type { DomainEvent } from '@slipway/contract-kit/event';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type InboxStore, RejectedEvent } from './inbox.ts';

/** A reader's inbox by two connections to the same data. */
export type OpenInbox = {
  stores: [InboxStore, InboxStore];
  /** An event that the reader can apply. */
  good(id: string): DomainEvent;
  /** An event for which the reader throws `RejectedEvent` after it has begun to make changes. */
  bad(id: string): DomainEvent;
  /** Returns how many events have made their changes, as the reader counts them. */
  count(): Promise<number>;
  close(): Promise<void>;
};

/** The contract of every inbox, whatever technology stores it. */
export function inboxContract(name: string, open: () => Promise<OpenInbox>): void {
  describe(`inbox: ${name}`, () => {
    let opened: OpenInbox;
    let store: InboxStore;
    let second: InboxStore;
    beforeEach(async () => {
      opened = await open();
      [store, second] = opened.stores;
    });
    afterEach(() => opened.close());

    it('applies an event once, whichever connection delivers it', async () => {
      expect(await store.apply(opened.good('a'))).toBe('applied');
      expect(await store.apply(opened.good('a'))).toBe('duplicate');
      expect(await second.apply(opened.good('a'))).toBe('duplicate');
      expect(await second.apply(opened.good('b'))).toBe('applied');
      expect(await opened.count()).toBe(2);
    });

    it('applies each of 20 events once that two relays deliver concurrently', async () => {
      const ids = Array.from({ length: 20 }, (_, n) => `event-${n}`);
      const deliveries = ids.flatMap((id) => [store.apply(opened.good(id)), second.apply(opened.good(id))]);
      const outcomes = await Promise.all(deliveries);
      expect(outcomes.filter((outcome) => outcome === 'applied')).toHaveLength(20);
      expect(await opened.count()).toBe(20);
    });

    it('changes nothing for an event it rejects, and applies the event once it is corrected', async () => {
      await expect(store.apply(opened.bad('a'))).rejects.toThrow(RejectedEvent);
      expect(await opened.count()).toBe(0);
      expect(await store.apply(opened.good('a'))).toBe('applied');
      expect(await opened.count()).toBe(1);
    });

    it('lists dead letters, oldest first and page by page', async () => {
      await store.addDeadLetter(opened.bad('c'), 'third', '2026-01-02T00:00:00.000Z');
      await store.addDeadLetter(opened.bad('b'), 'second', '2026-01-01T00:00:00.000Z');
      await store.addDeadLetter(opened.bad('a'), 'first', '2026-01-01T00:00:00.000Z');
      const listed = await second.deadLetters(10);
      expect(listed.map(({ event, reason }) => [event.id, reason])).toEqual([
        ['a', 'first'],
        ['b', 'second'],
        ['c', 'third'],
      ]);
      expect(listed[0]).toEqual({ event: opened.bad('a'), reason: 'first', at: '2026-01-01T00:00:00.000Z' });
      expect(await store.deadLetters(2)).toEqual(listed.slice(0, 2));
      expect(await store.deadLetters(2, { at: '2026-01-01T00:00:00.000Z', id: 'a' })).toEqual(
        listed.slice(1),
      );
      expect(await store.deadLetters(2, { at: '2026-01-02T00:00:00.000Z', id: 'c' })).toEqual([]);
    });

    it('stores a dead letter that is added twice once, with its first time and its last reason', async () => {
      await store.addDeadLetter(opened.bad('a'), 'old reason', '2026-01-01T00:00:00.000Z');
      await store.addDeadLetter(opened.bad('a'), 'new reason', '2026-01-02T00:00:00.000Z');
      expect(await store.deadLetters(10)).toEqual([
        { event: opened.bad('a'), reason: 'new reason', at: '2026-01-01T00:00:00.000Z' },
      ]);
    });

    it('finds and removes a dead letter', async () => {
      await store.addDeadLetter(opened.bad('a'), 'reason', '2026-01-01T00:00:00.000Z');
      expect(await second.findDeadLetter('a')).toEqual(opened.bad('a'));
      await store.removeDeadLetter('a');
      await store.removeDeadLetter('a');
      expect(await store.findDeadLetter('a')).toBeUndefined();
      expect(await store.deadLetters(10)).toEqual([]);
    });

    it('returns exactly the dead letter that was added', async () => {
      const event = { ...opened.bad('Zoë 🚢'), data: { text: '\u0000 \u2028', large: 'x'.repeat(500_000) } };
      await store.addDeadLetter(event, 'Grund: "é"', '2026-01-01T00:00:00.000Z');
      expect(await store.findDeadLetter('Zoë 🚢')).toEqual(event);
    });
  });
}
