import { PropertyFilter, type Transaction } from '@google-cloud/datastore';
import type { DomainEvent } from '../events/events.ts';
import type { InboxStore, RefusedEvent } from '../events/inbox.ts';
import { problem } from '../http/errors.ts';
import type { DatastoreStore } from './datastore.ts';
import type { Bounds } from './datastore-calls.ts';
import { inGroups } from './group-commit.ts';

/** An applied event, with what the reader noted with it. */
export type AppliedEvent = { name: string; mark: number; event: DomainEvent };

/** What a reader made of events: a number to be kept with those it applied, and by id those that it refused. */
export type Changes = { mark: number; refused: Map<string, RefusedEvent> };

export type DatastoreInbox = InboxStore & {
  /** Events that were applied, in the order of their names: at most `limit` after a name. */
  applied(after: string | undefined, limit: number): Promise<AppliedEvent[]>;
};

/** Events that are applied in one transaction: their cost is that of one commit. */
const groupSize = 100;
/** Bytes of events in one transaction, which may have 10 MiB: https://cloud.google.com/datastore/docs/concepts/limits */
const groupBytes = 4_000_000;
/** Bytes of one event; an entity may have 1 MiB. */
const eventBytes = 1_000_000;

const applied = 'AppliedEvent';
const refused = 'RefusedEvent';

/** A name of the form `__x__` is reserved, which an id may have. */
const nameOf = ({ id }: { id: string }) => `id:${id}`;
const idIn = (name: string) => name.slice('id:'.length);

/**
 * An inbox in the same namespace as what the events change. Each event is an entity, named by its id, that is
 * written in the transaction of its changes: what was applied once is found by all others.
 *
 * @param change makes the changes of events in the transaction, in their order; it may run several times
 */
export function datastoreInbox(
  store: DatastoreStore,
  change: (events: DomainEvent[], transaction: Transaction, bounds: Bounds) => Promise<Changes>,
): DatastoreInbox {
  const { datastore, key } = store;

  const applyAll = (events: DomainEvent[]) =>
    store.transaction(async (transaction, bounds): Promise<('applied' | 'duplicate' | RefusedEvent)[]> => {
      const known = await knownAmong(events, transaction, bounds);
      const fresh = new Map(events.map((event) => [event.id, event] as const).reverse());
      for (const id of known) fresh.delete(id);
      const inOrder = events.filter((event) => fresh.get(event.id) === event);
      const none: Changes = { mark: 0, refused: new Map() };
      const { mark, refused } = inOrder.length > 0 ? await change(inOrder, transaction, bounds) : none;
      const taken = new Set(inOrder.filter(({ id }) => !refused.has(id)));
      transaction.save([...taken].map((event) => entityOf(event, mark)));
      return events.map((event) => refused.get(event.id) ?? (taken.has(event) ? 'applied' : 'duplicate'));
    });

  async function knownAmong(events: DomainEvent[], transaction: Transaction, bounds: Bounds) {
    const [found] = await transaction.get(
      events.map((event) => key(applied, nameOf(event))),
      bounds(),
    );
    return found.map((entity: object) => idIn(nameIn(store, entity)));
  }

  const entityOf = (event: DomainEvent, mark: number) => ({
    key: key(applied, nameOf(event)),
    data: { mark, event: JSON.stringify(event) },
    excludeFromIndexes: ['mark', 'event'],
  });

  const apply = inGroups<DomainEvent, 'applied' | 'duplicate'>(
    { most: groupSize, largest: groupBytes, sizeOf },
    applyAll,
  );

  return {
    together: groupSize,
    async apply(event) {
      refuseTooLarge(event);
      return apply(event);
    },
    async setAside(event, reason, at) {
      refuseTooLarge(event);
      const its = key(refused, nameOf(event));
      await store.transaction(async (transaction, bounds) => {
        const [found] = await transaction.get(its, bounds());
        const since: string = found?.at ?? at;
        const data = {
          place: placeOf({ at: since, id: event.id }),
          at: since,
          reason,
          event: JSON.stringify(event),
        };
        transaction.save({ key: its, data, excludeFromIndexes: ['at', 'reason', 'event'] });
      });
    },
    async refused(limit, after) {
      const query = datastore.createQuery(refused).order('place').limit(limit);
      if (after) query.filter(new PropertyFilter('place', '>', placeOf(after)));
      const [found] = await store.command((bounds) => datastore.runQuery(query, bounds()));
      return found.map(({ event, reason, at }) => ({ event: JSON.parse(event), reason, at }));
    },
    async findRefused(id) {
      const [found] = await store.command((bounds) => datastore.get(key(refused, nameOf({ id })), bounds()));
      return found && JSON.parse(found.event);
    },
    async dropRefused(id) {
      await store.command((bounds) => datastore.delete(key(refused, nameOf({ id })), bounds().gaxOptions));
    },
    async applied(after, limit) {
      const query = datastore.createQuery(applied).order('__key__').limit(limit);
      if (after) query.filter(new PropertyFilter('__key__', '>', key(applied, after)));
      const [found] = await store.command((bounds) => datastore.runQuery(query, bounds()));
      return found.map((entity) => ({
        name: nameIn(store, entity),
        mark: entity.mark,
        event: JSON.parse(entity.event),
      }));
    },
  };
}

/** Two properties to sort by would need an index that someone has to deploy; one text that holds both does not. */
const placeOf = ({ at, id }: { at: string; id: string }) => `${at} ${id}`;

function nameIn({ datastore }: DatastoreStore, entity: object): string {
  return String((entity as Record<symbol, { name?: string }>)[datastore.KEY]?.name);
}

function sizeOf(event: DomainEvent): number {
  return Buffer.byteLength(JSON.stringify(event));
}

function refuseTooLarge(event: DomainEvent): void {
  if (sizeOf(event) > eventBytes) throw problem('payload_too_large', `The event ${event.id} has over 1 MB`);
}
