import type { DomainEvent } from '@slipway/contract-kit/event';
import { problem } from '@slipway/contract-kit/problem';
import { inGroups } from '@slipway/platform/core/group-commit';
import type { InboxStore, RefusedEvent } from '@slipway/platform/events/inbox';
import type { DatastoreStore, Found, Step } from './entities.ts';

/** An applied event, with what the reader noted with it. */
export type AppliedEvent = { name: string; mark: number; event: DomainEvent };

/** What a reader made of events: a number to keep with those it applied, and by id those that it refused. */
export type Changes = { mark: number; refused: Map<string, RefusedEvent> };

export type DatastoreInbox = InboxStore & {
  /** Events that were applied, in the order of their names: at most `limit` after a name. */
  applied(after: string | undefined, limit: number): Promise<AppliedEvent[]>;
};

type Outcome = 'applied' | 'duplicate';
/** An event, as text as it is stored, and how many bytes that has. */
type Written = { event: DomainEvent; text: string; size: number };

/** Events that are applied in one transaction, for the price of one commit. */
const groupSize = 100;
/**
 * Bytes of events in one transaction, which may have 10 MiB, and of one event: an entity may have 1 MiB.
 * Source: https://cloud.google.com/datastore/docs/concepts/limits
 */
const groupBytes = 4_000_000;
const eventBytes = 1_000_000;

const applied = 'AppliedEvent';
const refused = 'RefusedEvent';

/** An id may have the form `__x__`, but a name must not. */
const nameOf = (id: string) => `id:${id}`;

/** One property to sort by, where two would need an index of their own. */
const placeOf = ({ at, id }: { at: string; id: string }) => `${at} ${id}`;

/**
 * An inbox in the same namespace as what the events change. An applied event is an entity named by its id,
 * written in the transaction of its changes, so that no other transaction can apply it again.
 *
 * @param change makes the changes of events by a step of the transaction, in their order
 */
export function datastoreInbox(
  store: DatastoreStore,
  change: (events: DomainEvent[], step: Step) => Promise<Changes>,
): DatastoreInbox {
  const sizeOf = ({ size }: Written) => size;
  const limits = { maxItems: groupSize, maxSize: groupBytes, sizeOf, rejectQueued: true };
  const apply = inGroups(limits, (group: Written[]) => store.transaction((step) => applyAll(group, step)));

  async function applyAll(group: Written[], step: Step): Promise<(Outcome | RefusedEvent)[]> {
    const fresh = await freshOf(group, step);
    if (fresh.length === 0) return group.map(() => 'duplicate');
    const { mark, refused } = await change(
      fresh.map(({ event }) => event),
      step,
    );
    const taken = fresh.filter(({ event }) => !refused.has(event.id));
    for (const { event, text } of taken) step.save(applied, nameOf(event.id), { mark, event: text });
    const untold = new Set(taken.map(({ event }) => event.id));
    return group.map(({ event: { id } }) => refused.get(id) ?? (untold.delete(id) ? 'applied' : 'duplicate'));
  }

  return {
    together: groupSize,
    async apply(event) {
      return apply(written(event));
    },
    async setAside(event, reason, at) {
      const { text } = written(event);
      const name = nameOf(event.id);
      await store.transaction(async (step) => {
        const [before] = await step.get(refused, [name]);
        const since = String(before?.at ?? at);
        const place = placeOf({ at: since, id: event.id });
        step.save(refused, name, { place, at: since, reason, event: text }, ['place']);
      });
    },
    async refused(limit, after) {
      const found = await store.find(refused, { by: 'place', after: after && placeOf(after), limit });
      return found.map((each) => ({
        event: eventIn(each),
        reason: String(each.reason),
        at: String(each.at),
      }));
    },
    async findRefused(id) {
      const [found] = await store.get(refused, [nameOf(id)]);
      return found && eventIn(found);
    },
    async dropRefused(id) {
      await store.transaction(async (step) => step.remove(refused, [nameOf(id)]));
    },
    async applied(after, limit) {
      const found = await store.find(applied, { after, limit });
      return found.map((each) => ({ name: each.name, mark: Number(each.mark), event: eventIn(each) }));
    },
  };
}

/** The events that were not applied yet; of several with one id the first. */
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

/** @throws {Problem} payload_too_large if the event does not fit into an entity. */
function written(event: DomainEvent): Written {
  const text = JSON.stringify(event);
  const size = Buffer.byteLength(text);
  if (size > eventBytes) throw problem('payload_too_large', `The event ${event.id} has over 1 MB`);
  return { event, text, size };
}
