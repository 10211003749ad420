import type { DomainEvent } from '@slipway/contract-kit/event';
import { problem } from '@slipway/contract-kit/problem';
import { inGroups } from '@slipway/platform/core/group-commit';
import type { InboxStore, RejectedEvent } from '@slipway/platform/events/inbox';
import type { DatastoreStore, Found, Step } from './entities.ts';

/** An applied event, and the number that is stored with it. */
export type AppliedEvent = { name: string; mark: number; event: DomainEvent };

/** The result of applying events: a number to store with the applied events, and the rejected events by id. */
export type Changes = { mark: number; rejected: Map<string, RejectedEvent> };

export type DatastoreInbox = InboxStore & {
  /** Returns up to `limit` applied events after a name, in the order of names. */
  applied(after: string | undefined, limit: number): Promise<AppliedEvent[]>;
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

/** An id may have the form `__x__`, but a name must not. */
const nameOf = (id: string) => `id:${id}`;

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
    for (const { event, text } of taken) step.save(applied, nameOf(event.id), { mark, event: text });
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
  };
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
