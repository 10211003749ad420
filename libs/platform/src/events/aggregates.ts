import { setTimeout as wait } from 'node:timers/promises';
import type { DomainEvent } from '@slipway/contract-kit/event';
import { problem } from '@slipway/contract-kit/problem';
import { backoff } from '../core/backoff.ts';

/** An object that is read and written as a whole. `version` is 1 when it is added, and each write raises it by one. */
export type Aggregate = { id: string; version: number };

/**
 * The next state of an aggregate, and the events that are written with it in one atomic step.
 *
 * @typeParam Also what else the same step writes, such as ledger entries
 */
export type Change<T extends Aggregate, Also = unknown> = { next: T; events: DomainEvent[] } & Also;

/** Stores the aggregates of one kind. Each write is one atomic step and needs no transaction over two documents. */
export type AggregateStore<T extends Aggregate, Also = unknown> = {
  get(id: string): Promise<T | undefined>;
  /**
   * Adds a new aggregate.
   *
   * @returns `false`, and writes nothing, if there is one with this id
   * @throws {Error} the error that the store was opened with, if another aggregate has the same unique value
   */
  add(change: Change<T, Also>): Promise<boolean>;
  /**
   * Replaces the aggregate with its next version.
   *
   * @returns `false`, and writes nothing, if the stored version is not the one before `next`
   * @throws {Error} as `add` does
   */
  replace(change: Change<T, Also>): Promise<boolean>;
  /**
   * Removes an aggregate, and writes its last events in the same step.
   *
   * @returns `false`, and writes nothing, if it is not stored, or not in the version that `options` name
   */
  remove(id: string, options?: { version?: number; events?: DomainEvent[] }): Promise<boolean>;
};

/** An aggregate that is useless from a time on; milliseconds since the epoch. */
export type Expiring = Aggregate & { expiresAt: number };

/** Stores aggregates that may be deleted at any time after they have expired. */
export type ExpiringStore<T extends Expiring> = AggregateStore<T> & {
  /**
   * Deletes up to `limit` aggregates that have expired by `now`.
   *
   * @returns how many it has deleted; fewer than `limit` if no more have expired, or if another process deletes them
   */
  deleteExpired(now: number, limit: number): Promise<number>;
};

/** Maximum number of times that a rule is applied if others change the aggregate between the read and the write. */
const maxAttempts = 20;
/** Delays between these attempts; milliseconds. */
const delays = { base: 10, max: 200 };

/** The end of an aggregate, and the events that are written with it in one atomic step. */
export type Removal = { remove: true; events: DomainEvent[] };

type UpdateOptions<T, Missing> = {
  /** If nothing is stored, returns an aggregate with version 0 for the rule; `undefined` ends the update. */
  ifMissing?: () => Missing;
  /** Called once with the aggregate that this call has written, and not at all if there was nothing to do. */
  onWritten?: (written: T) => void;
};

/**
 * Reads an aggregate, applies a rule to it and writes the change; repeats all three if another writer was faster.
 *
 * @param rule returns the change, or `undefined` if there is nothing to do; it may run more than once
 * @returns the aggregate as it is now, or as it was when it was removed
 * @throws {Problem} not_found unless `ifMissing` is given; what rule and store throw; overloaded if others are faster in
 *   every attempt
 * @example
 * await update(store.subscriptions, id, (subscription) => cancel(subscription, now));
 */
export async function update<T extends Aggregate, Also, Missing extends T | undefined = T>(
  store: AggregateStore<T, Also>,
  id: string,
  rule: (present: T) => Outcome<T, Also> | Promise<Outcome<T, Also>>,
  { ifMissing = notFound, onWritten }: UpdateOptions<T, Missing> = {},
): Promise<T | Missing> {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const stored = await store.get(id);
    const present = stored ?? ifMissing();
    if (!present) return present;
    const change = await rule(present);
    if (!change) return present;
    if (await write(store, stored, change)) {
      if ('remove' in change) return present;
      onWritten?.(change.next);
      return change.next;
    }
    await wait(backoff(attempt, delays));
  }
  // Not a conflict: that would be stored as the response to the Idempotency-Key, although nothing is decided yet.
  throw problem('overloaded', 'Too many requests change it at the same time; try again', { retryAfter: 1 });
}

type Outcome<T extends Aggregate, Also> = Change<T, Also> | Removal | undefined;

async function write<T extends Aggregate, Also>(
  store: AggregateStore<T, Also>,
  stored: T | undefined,
  change: Change<T, Also> | Removal,
): Promise<boolean> {
  if (!('remove' in change)) return stored ? store.replace(change) : store.add(change);
  return !stored || store.remove(stored.id, { version: stored.version, events: change.events });
}

function notFound(): never {
  throw problem('not_found');
}
