import type { Position } from '@slipway/platform/core/pagination';
import type { Aggregate, AggregateStore, Change } from '@slipway/platform/events/aggregates';
import { type DatastoreStore, type Found, nameOf } from './entities.ts';

type Options<T extends Aggregate> = {
  store: DatastoreStore;
  kind: string;
  /**
   * Returns the group in whose pages an aggregate is listed, such as its owner, and its sort key there. No spaces.
   * Absent for aggregates that are on no page.
   */
  listed?: (state: T) => { group: string; at: string };
};

/**
 * Stores aggregates as entities, each in a transaction of its own. There is no outbox on Datastore, so these aggregates
 * cannot cause events.
 */
export function datastoreAggregates<T extends Aggregate>({
  store,
  kind,
  listed,
}: Options<T>): AggregateStore<T> {
  /** Returns one property for the whole order: an index over several properties would have to be deployed first. */
  const positionIn = (state: T) => {
    if (!listed) return {};
    const { group, at } = listed(state);
    return { position: positionOf(group, { at, id: state.id }) };
  };

  /** Writes the next state if the stored entity allows it. */
  const write = ({ next, events }: Change<T>, mayWrite: (found: Found | undefined) => boolean) => {
    rejectEvents(events);
    return store.transaction(async (step) => {
      const [found] = await step.get(kind, [nameOf(next.id)]);
      if (!mayWrite(found)) return false;
      const properties = { version: next.version, state: JSON.stringify(next) };
      step.save(kind, nameOf(next.id), { ...properties, ...positionIn(next) }, ['position']);
      return true;
    });
  };

  return {
    async get(id) {
      const [found] = await store.get(kind, [nameOf(id)]);
      return found && stateIn<T>(found);
    },
    async add(change) {
      return write(change, (found) => !found);
    },
    async replace(change) {
      return write(change, (found) => found?.version === change.next.version - 1);
    },
    async remove(id, { version, events = [] } = {}) {
      rejectEvents(events);
      return store.transaction(async (step) => {
        const [found] = await step.get(kind, [nameOf(id)]);
        if (!found || found.version !== (version ?? found.version)) return false;
        step.remove(kind, [nameOf(id)]);
        return true;
      });
    },
  };
}

/** Reads all aggregates of a kind, sorted by their ids, with one query. For kinds of which there are few. */
export async function readAll<T extends Aggregate>(store: DatastoreStore, kind: string): Promise<T[]> {
  return (await store.find(kind, {})).map(stateIn<T>);
}

type Query = {
  kind: string;
  group: string;
  order: 'ascending' | 'descending';
  limit: number;
  /** Only aggregates after this position in the order. */
  after?: Position;
};

/** Reads a page of a group's aggregates. Those with the same sort key are in the order of their ids. */
export async function readPage<T extends Aggregate>(store: DatastoreStore, query: Query): Promise<T[]> {
  const { kind, group, order, limit, after } = query;
  const [first, last] = [`${group} `, `${group}${afterSpace}`];
  const position = after && positionOf(group, after);
  const bounds =
    order === 'ascending'
      ? { after: position ?? first, before: last }
      : { after: first, before: position ?? last };
  const found = await store.find(kind, { by: 'position', ...bounds, order, limit });
  return found.map(stateIn<T>);
}

const positionOf = (group: string, { at, id }: Position) => `${group} ${at} ${id}`;

/** The first character after the space, which separates the parts of a position. */
const afterSpace = '!';

function stateIn<T>({ state }: Found): T {
  return JSON.parse(String(state)) as T;
}

function rejectEvents(events: unknown[]): void {
  if (events.length > 0) throw new Error('Aggregates on Datastore cannot cause events: there is no outbox');
}
