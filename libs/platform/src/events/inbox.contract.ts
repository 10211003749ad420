import type { DomainEvent } from '@slipway/contract-kit/event';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type InboxStore, RefusedEvent } from './inbox.ts';

/** A reader's inbox by two connections to the same data. */
export type OpenInbox = {
  stores: [InboxStore, InboxStore];
  /** An event that the reader can apply. */
  good(id: string): DomainEvent;
  /** An event for which the reader throws `RefusedEvent` after it has begun to make changes. */
  bad(id: string): DomainEvent;
  /** How many events have made their changes, as the reader counts them. */
  count(): Promise<number>;
  close(): Promise<void>;
};

/** What every inbox promises, whatever it is kept in. */
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

    it('applies an event once, whichever connection brings it', async () => {
      expect(await store.apply(opened.good('a'))).toBe('applied');
      expect(await store.apply(opened.good('a'))).toBe('duplicate');
      expect(await second.apply(opened.good('a'))).toBe('duplicate');
      expect(await second.apply(opened.good('b'))).toBe('applied');
      expect(await opened.count()).toBe(2);
    });

    it('applies each of 20 events once that two relays bring at the same time', async () => {
      const ids = Array.from({ length: 20 }, (_, n) => `event-${n}`);
      const deliveries = ids.flatMap((id) => [store.apply(opened.good(id)), second.apply(opened.good(id))]);
      const outcomes = await Promise.all(deliveries);
      expect(outcomes.filter((outcome) => outcome === 'applied')).toHaveLength(20);
      expect(await opened.count()).toBe(20);
    });

    it('changes nothing for an event it refuses, and takes the event when it is mended', async () => {
      await expect(store.apply(opened.bad('a'))).rejects.toThrow(RefusedEvent);
      expect(await opened.count()).toBe(0);
      expect(await store.apply(opened.good('a'))).toBe('applied');
      expect(await opened.count()).toBe(1);
    });

    it('lists what was set aside, oldest first and page by page', async () => {
      await store.setAside(opened.bad('c'), 'third', '2026-01-02T00:00:00.000Z');
      await store.setAside(opened.bad('b'), 'second', '2026-01-01T00:00:00.000Z');
      await store.setAside(opened.bad('a'), 'first', '2026-01-01T00:00:00.000Z');
      const listed = await second.refused(10);
      expect(listed.map(({ event, reason }) => [event.id, reason])).toEqual([
        ['a', 'first'],
        ['b', 'second'],
        ['c', 'third'],
      ]);
      expect(listed[0]).toEqual({ event: opened.bad('a'), reason: 'first', at: '2026-01-01T00:00:00.000Z' });
      expect(await store.refused(2)).toEqual(listed.slice(0, 2));
      expect(await store.refused(2, { at: '2026-01-01T00:00:00.000Z', id: 'a' })).toEqual(listed.slice(1));
      expect(await store.refused(2, { at: '2026-01-02T00:00:00.000Z', id: 'c' })).toEqual([]);
    });

    it('keeps an event that is set aside twice once, with its first time and its last reason', async () => {
      await store.setAside(opened.bad('a'), 'old reason', '2026-01-01T00:00:00.000Z');
      await store.setAside(opened.bad('a'), 'new reason', '2026-01-02T00:00:00.000Z');
      expect(await store.refused(10)).toEqual([
        { event: opened.bad('a'), reason: 'new reason', at: '2026-01-01T00:00:00.000Z' },
      ]);
    });

    it('finds and drops an event that was set aside', async () => {
      await store.setAside(opened.bad('a'), 'reason', '2026-01-01T00:00:00.000Z');
      expect(await second.findRefused('a')).toEqual(opened.bad('a'));
      await store.dropRefused('a');
      await store.dropRefused('a');
      expect(await store.findRefused('a')).toBeUndefined();
      expect(await store.refused(10)).toEqual([]);
    });

    it('gives back exactly what was set aside', async () => {
      const event = { ...opened.bad('Zoë 🚢'), data: { text: '\u0000 \u2028', large: 'x'.repeat(500_000) } };
      await store.setAside(event, 'Grund: "é"', '2026-01-01T00:00:00.000Z');
      expect(await store.findRefused('Zoë 🚢')).toEqual(event);
    });
  });
}
