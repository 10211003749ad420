import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenAggregates } from '../events/aggregates.contract.ts';
import { type Aggregate, type AggregateStore, type Change, update } from '../events/aggregates.ts';
import { newEvent } from '../events/new-event.ts';
import { fenced, LeaseLost } from './fence.ts';

/** An aggregate with the fencing tokens that are stored in it, by job. */
type Seen = { fences?: Record<string, number> };

/**
 * The contract suite of aggregate stores that jobs write: what an attempt that was paused while another replica took its
 * job over can no longer do. Its own lease looks valid to it, so that only the store can tell.
 *
 * @param first adds an aggregate
 * @param also written by each further change besides the aggregate and its event
 */
export function fencedContract<T extends Aggregate, Also>(
  name: string,
  open: () => Promise<OpenAggregates<T, Also>>,
  { first, also }: { first: Change<T, Also>; also: Also },
): void {
  describe(`writes of jobs: ${name}`, () => {
    let opened: OpenAggregates<T, Also>;
    let plain: AggregateStore<T, Also>;
    let older: AggregateStore<T, Also>;
    let newer: AggregateStore<T, Also>;
    beforeEach(async () => {
      opened = await open();
      plain = opened.stores[0];
      older = attempt(opened.stores[0], 1);
      newer = attempt(opened.stores[1], 2);
    });
    afterEach(() => opened.close());

    const attempt = (store: AggregateStore<T, Also>, token: number, job = 'billing', check = () => {}) =>
      fenced<AggregateStore<T, Also>, T, Also>(store, { job, token, check });
    const { id } = first.next;
    const eventsOf = (name: string) =>
      opened.outbox ? [newEvent('test', 'it.happened', {}, `${name}:${id}`)] : [];
    /** A rule that changes nothing but the version, and causes an event. */
    const touch = (present: T): Change<T, Also> => ({
      ...also,
      next: { ...present, version: present.version + 1 },
      events: eventsOf(`version ${present.version + 1}`),
    });
    const stored = async () => {
      const waiting = await opened.outbox?.pending(100);
      return { state: await plain.get(id), events: waiting?.map((event) => event.id) };
    };
    const fences = async () => ((await plain.get(id)) as Seen | undefined)?.fences;

    it('store the token of the attempt, beside what it writes', async () => {
      expect(await older.add(first)).toBe(true);
      expect(await plain.get(id)).toEqual({ ...first.next, fences: { billing: 1 } });
      await update(newer, id, touch);
      expect(await plain.get(id)).toEqual({ ...first.next, version: 2, fences: { billing: 2 } });
    });

    it('are rejected, and change nothing, once a newer attempt has written', async () => {
      await older.add(first);
      await update(older, id, touch);
      await update(newer, id, touch);
      const before = await stored();
      await expect(update(older, id, touch)).rejects.toThrow(LeaseLost);
      await expect(older.remove(id)).rejects.toThrow(LeaseLost);
      const version = before.state?.version;
      await expect(older.remove(id, { version, events: eventsOf('gone') })).rejects.toThrow(LeaseLost);
      expect(await older.add(first)).toBe(false);
      expect(await stored()).toEqual(before);
    });

    it('would do harm without the token', async () => {
      await older.add(first);
      await update(newer, id, touch);
      await update(plain, id, touch);
      expect(await plain.get(id)).toMatchObject({ version: 3 });
      expect(await plain.remove(id)).toBe(true);
    });

    it('are rejected if the newer attempt writes between their read and their write', async () => {
      await older.add(first);
      let rounds = 0;
      const overtaken = update(older, id, async (present) => {
        rounds += 1;
        if (rounds === 1) await update(newer, id, touch);
        return touch(present);
      });
      await expect(overtaken).rejects.toThrow(LeaseLost);
      expect(rounds).toBe(2);
      expect(await plain.get(id)).toEqual({ ...first.next, version: 2, fences: { billing: 2 } });
    });

    it('are rejected after requests have changed the aggregate, too', async () => {
      await newer.add(first);
      await update(plain, id, touch);
      await expect(update(older, id, touch)).rejects.toThrow(LeaseLost);
      expect(await plain.get(id)).toMatchObject({ version: 2 });
    });

    it('do not concern other jobs', async () => {
      const other = attempt(opened.stores[0], 1, 'recovery');
      await newer.add(first);
      await update(other, id, touch);
      expect(await fences()).toEqual({ billing: 2, recovery: 1 });
      await expect(update(older, id, touch)).rejects.toThrow(LeaseLost);
      expect(await other.remove(id)).toBe(true);
    });

    it('of an attempt whose lease has ended by its own clock are not sent', async () => {
      await plain.add(first);
      const before = await stored();
      const ended = attempt(opened.stores[0], 1, 'billing', () => {
        throw new LeaseLost('billing');
      });
      await expect(ended.add(first)).rejects.toThrow(LeaseLost);
      await expect(update(ended, id, touch)).rejects.toThrow(LeaseLost);
      await expect(ended.remove(id)).rejects.toThrow(LeaseLost);
      expect(await stored()).toEqual(before);
    });

    it('of ten attempts at the same time take effect in the order of their tokens, or not at all', async () => {
      await plain.add(first);
      const tokens = Array.from({ length: 10 }, (_, n) => 10 - n);
      const outcomes = await Promise.allSettled(
        tokens.map((token, n) => {
          const store = attempt(opened.stores[n % 2 ? 1 : 0], token);
          return update(store, id, touch);
        }),
      );
      const failures = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
      expect(failures.every((error) => error instanceof LeaseLost)).toBe(true);
      expect(await plain.get(id)).toMatchObject({
        version: 1 + tokens.length - failures.length,
        fences: { billing: tokens.length },
      });
    });
  });
}
