import { setTimeout as wait } from 'node:timers/promises';
import type { DomainEvent } from '@slipway/contract-kit/event';
import type { LedgerEntry } from '@slipway/contracts/billing';
import { problem } from '@slipway/contracts/errors';
import type { EventData, EventType } from '@slipway/contracts/events';
import { newEvent } from '@slipway/platform/events/new-event';

/** Something that is read and written as a whole; `version` grows by one with each write. */
export type Aggregate = { id: string; version: number };

/** The next state of an aggregate with what is written in the same atomic step. */
export type Change<T extends Aggregate> = { next: T; entries: LedgerEntry[]; events: DomainEvent[] };

/** What each store of aggregates can do. Neither write needs a transaction over two documents. */
export type AggregateStore<T extends Aggregate> = {
  get(id: string): Promise<T | undefined>;
  /** Adds a new aggregate; `false`, and nothing is written, if there is one with this id. */
  add(change: Change<T>): Promise<boolean>;
  /** Replaces the version before `next`; `false`, and nothing is written, if it is not the present one. */
  replace(change: Change<T>): Promise<boolean>;
};

/** How often a rule is applied anew because others have changed the aggregate meanwhile. */
const attempts = 20;
/** Longest pause after the first lost round, doubled by each so that many rivals spread, and its bound; milliseconds. */
const firstPause = 10;
const longestPause = 200;

/**
 * Applies a rule to an aggregate, again if it was changed between reading and writing.
 *
 * @param rule answers the change, or `undefined` if there is nothing to do; it may run more than once
 * @param onWritten told of the aggregate that this call has written, once; not if there was nothing to do
 * @throws {Problem} not_found; what the rule throws; overloaded if others change the aggregate all the time.
 * @example
 * await update(store.subscriptions, id, (subscription) => cancel(subscription, now));
 */
export async function update<T extends Aggregate>(
  store: AggregateStore<T>,
  id: string,
  rule: (present: T) => Change<T> | undefined,
  onWritten?: (written: T) => void,
): Promise<T> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const present = await store.get(id);
    if (!present) throw problem('not_found');
    const change = rule(present);
    if (!change) return present;
    if (await store.replace(change)) {
      onWritten?.(change.next);
      return change.next;
    }
    await wait(Math.random() * Math.min(longestPause, firstPause * 2 ** attempt));
  }
  // Not a conflict, which is kept as the answer to its key: nothing is decided, and money may have moved.
  throw problem('overloaded', 'It is being changed by too many at once; try again', { retryAfter: 1 });
}

/** An event of this service. Its id comes from what happened, so that telling it again changes nothing. */
export function event<T extends EventType>(type: T, subject: string, data: EventData<T>): DomainEvent {
  return newEvent('billing', type, data, `${type}:${subject}`);
}
