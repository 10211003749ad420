import { describe, expect, it } from 'vitest';
import { type Aggregate, type AggregateStore, type Change, event } from '../change.ts';
import type { BillingStore } from './open.ts';

const ids = (items: { id: string }[]) => items.map(({ id }) => id);

/** What every store does with each kind of aggregate: one write with its events, guarded by the version. */
export function describeAggregates<T extends Aggregate>(
  name: string,
  open: () => BillingStore,
  part: (store: BillingStore) => AggregateStore<T>,
  first: Change<T>,
): void {
  const { id } = first.next;
  const second: Change<T> = {
    next: { ...first.next, version: first.next.version + 1 },
    entries: [],
    events: [event('user.deleted', id, { userId: 'u1' })],
  };
  const aggregates = () => part(open());
  const told = async () => ids(await open().outbox.pending(100));

  describe(`${name}, one by one`, () => {
    it('are read as they were written, with their event in the outbox', async () => {
      expect(await aggregates().get(id)).toBeUndefined();
      expect(await aggregates().add(first)).toBe(true);
      expect(await aggregates().get(id)).toEqual(first.next);
      expect(await told()).toEqual(ids(first.events));
    });

    it('are added once per id, and told once', async () => {
      await aggregates().add(first);
      expect(await aggregates().add({ ...second, next: { ...first.next, version: 7 } })).toBe(false);
      expect(await aggregates().get(id)).toEqual(first.next);
      expect(await told()).toEqual(ids(first.events));
    });

    it('are replaced only from the version before', async () => {
      await aggregates().add(first);
      expect(await aggregates().replace(second)).toBe(true);
      expect(await aggregates().replace(second)).toBe(false);
      expect(await aggregates().get(id)).toEqual(second.next);
      expect(await told()).toEqual(ids([...first.events, ...second.events]));
    });

    it('are not replaced by a version that skips one', async () => {
      await aggregates().add(first);
      const third = { ...second, next: { ...second.next, version: second.next.version + 1 } };
      expect(await aggregates().replace(third)).toBe(false);
      expect(await aggregates().get(id)).toEqual(first.next);
    });

    it('are not replaced where there is nothing', async () => {
      expect(await aggregates().replace(second)).toBe(false);
      expect(await told()).toEqual([]);
    });

    it('let one of ten rivals win', async () => {
      await aggregates().add(first);
      const results = await Promise.all(Array.from({ length: 10 }, () => aggregates().replace(second)));
      expect(results.filter(Boolean)).toHaveLength(1);
    });
  });
}
