import type { DomainEvent } from '@slipway/contract-kit/event';
import { problem } from '@slipway/contract-kit/problem';
import { inGroups } from '@slipway/platform/core/group-commit';
import type { InboxStore, RejectedEvent } from '@slipway/platform/events/inbox';
import { type DatastoreStore, type Found, nameOf, type Step } from './entities.ts';

/** An applied event, and the number that is stored with it. */
export type AppliedEvent = { name: string; mark: number; event: DomainEvent };

/** The result of applying events: a number to store with the applied events, and the rejected events by id. */
export type Changes = { mark: number; rejected: Map<string, RejectedEvent> };

export type DatastoreInbox = InboxStore & {
  /** Returns up to `limit` applied events after a name, in the order of names. */
  applied(after: string | undefined, limit: number): Promise<AppliedEvent[]>;
  /** Returns a page of the applied events, roughly in the order of arrival; see `pageByArrival`. */
  appliedByArrival(
    cursor: string | undefined,
    limit: number,
  ): Promise<{ events: DomainEvent[]; cursor: string }>;
};

type Outcome = 'applied' | 'duplicate';
/** An event, its stored text, and the size of that in bytes. */
type Written = { event: DomainEvent; text: string; size: number };

/** Maximum number of events in one transaction, which costs one commit. */
const groupSize = 100;
/**
 * Maximum size in bytes of all events in a transaction, and of one event: Datastore allows 10 MiB, and 1 MiB an entity.
 * Source: https://cloud.google.com/datastore/docs/concepts/limits
 */
const groupBytes = 4_000_000;
const eventBytes = 1_000_000;

const applied = 'AppliedEvent';
/** The kind of dead letters, which has the name of an earlier version. */
const deadLetter = 'RefusedEvent';

/** Returns one property to sort by: two would need a separate index. */
const placeOf = ({ at, id }: { at: string; id: string }) => `${at} ${id}`;

/**
 * Creates an inbox in the namespace that the events change. An applied event is an entity named by its id and written
 * in the transaction of its changes, so that no other transaction can apply it again.
 *
 * @param change applies events in order, through the given step of the transaction
 */
export function datastoreInbox(
  store: DatastoreStore,
  change: (events: DomainEvent[], step: Step) => Promise<Changes>,
): DatastoreInbox {
  const sizeOf = ({ size }: Written) => size;
  const limits = { maxItems: groupSize, maxSize: groupBytes, sizeOf, rejectQueued: true };
  const apply = inGroups(limits, (group: Written[]) => store.transaction((step) => applyAll(group, step)));

  async function applyAll(group: Written[], step: Step): Promise<(Outcome | RejectedEvent)[]> {
    const fresh = await freshOf(group, step);
    if (fresh.length === 0) return group.map(() => 'duplicate');
    const { mark, rejected } = await change(
      fresh.map(({ event }) => event),
      step,
    );
    const taken = fresh.filter(({ event }) => !rejected.has(event.id));
    const now = new Date().toISOString();
    for (const { event, text } of taken) {
      const arrived = placeOf({ at: now, id: event.id });
      step.save(applied, nameOf(event.id), { mark, event: text, arrived }, ['arrived']);
    }
    const unreported = new Set(taken.map(({ event }) => event.id));
    return group.map(
      ({ event: { id } }) => rejected.get(id) ?? (unreported.delete(id) ? 'applied' : 'duplicate'),
    );
  }

  return {
    batchSize: groupSize,
    async apply(event) {
      return apply(written(event));
    },
    async addDeadLetter(event, reason, at) {
      const { text } = written(event);
      const name = nameOf(event.id);
      await store.transaction(async (step) => {
        const [before] = await step.get(deadLetter, [name]);
        const since = String(before?.at ?? at);
        const place = placeOf({ at: since, id: event.id });
        step.save(deadLetter, name, { place, at: since, reason, event: text }, ['place']);
      });
    },
    async deadLetters(limit, after) {
      const found = await store.find(deadLetter, { by: 'place', after: after && placeOf(after), limit });
      return found.map((each) => ({
        event: eventIn(each),
        reason: String(each.reason),
        at: String(each.at),
      }));
    },
    async findDeadLetter(id) {
      const [found] = await store.get(deadLetter, [nameOf(id)]);
      return found && eventIn(found);
    },
    async removeDeadLetter(id) {
      await store.transaction(async (step) => step.remove(deadLetter, [nameOf(id)]));
    },
    async applied(after, limit) {
      const found = await store.find(applied, { after, limit });
      return found.map((each) => ({ name: each.name, mark: Number(each.mark), event: eventIn(each) }));
    },
    appliedByArrival: (cursor, limit) => pageByArrival(store, cursor, limit),
  };
}

/**
 * Milliseconds after which no more events appear with an earlier time of arrival. A transaction takes its time before it
 * commits, two seconds at most, and the clocks of two replicas differ a little.
 */
const settled = 10_000;

/**
 * Returns the next applied events. A cursor has two forms, one after the other: `all <time> <name>` reads all events by
 * name, because those of earlier versions have no time of arrival; then `since <time> <id>` reads by time of arrival,
 * from when the first reading began. Events that arrived between the two are returned twice.
 */
async function pageByArrival(
  store: DatastoreStore,
  cursor = `all ${new Date(Date.now() - settled).toISOString()}`,
  limit: number,
): Promise<{ events: DomainEvent[]; cursor: string }> {
  const [, form, time, rest] = /^(all|since) (\S+)(?: (.*))?$/s.exec(cursor) ?? [];
  if (form === 'all') {
    const found = await store.find(applied, { after: rest, limit });
    const last = found.at(-1);
    if (last) return { events: found.map(eventIn), cursor: `all ${time} ${last.name}` };
    return pageByArrival(store, `since ${time}`, limit);
  }
  const before = new Date(Date.now() - settled).toISOString();
  const after = cursor.slice('since '.length);
  const found = await store.find(applied, { by: 'arrived', after, before, limit });
  const last = found.at(-1)?.arrived ?? after;
  return { events: found.map(eventIn), cursor: `since ${last}` };
}

/** Returns the events that are not applied yet, and only the first of several with the same id. */
async function freshOf(group: Written[], step: Step): Promise<Written[]> {
  const byName = new Map<string, Written>();
  for (const each of group) {
    const name = nameOf(each.event.id);
    if (!byName.has(name)) byName.set(name, each);
  }
  for (const { name } of await step.get(applied, [...byName.keys()])) byName.delete(name);
  return [...byName.values()];
}

function eventIn({ event }: Found): DomainEvent {
  return JSON.parse(String(event)) as DomainEvent;
}

/** @throws {Problem} payload_too_large if the event does not fit into an entity */
function written(event: DomainEvent): Written {
  const text = JSON.stringify(event);
  const size = Buffer.byteLength(text);
  if (size > eventBytes) throw problem('payload_too_large', `The event ${event.id} is larger than 1 MB`);
  return { event, text, size };
}
