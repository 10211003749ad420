import type { Expiring, ExpiringStore } from '@slipway/platform/events/aggregates';
import type { Filter } from 'mongodb';
import { flat, mongoAggregates } from './aggregates.ts';
import type { MongoStore, Stored } from './database.ts';

/**
 * Stores aggregates that expire, with one field for each of theirs. `expiresAt` needs an index; with a TTL index, the
 * server deletes them, too, and this finds only those that the server has not come to.
 */
export function mongoExpiring<T extends Expiring>(store: MongoStore, collection: string): ExpiringStore<T> {
  return {
    ...mongoAggregates<T>({ store, collection, layout: flat() }),
    async deleteExpired(now, limit) {
      return deleteUpTo(store, collection, { expiresAt: { $lte: new Date(now) } }, limit);
    },
  };
}

/** Deletes up to `limit` documents, so that the command ends in time, and returns how many it has deleted. */
export async function deleteUpTo(
  { collection, command }: MongoStore,
  name: string,
  filter: Filter<Stored>,
  limit: number,
): Promise<number> {
  const documents = collection<Stored>(name);
  const batch = { projection: { _id: 1 }, limit };
  const found = await command((options) => documents.find(filter, { ...options, ...batch }).toArray());
  if (found.length === 0) return 0;
  const ids = found.map(({ _id }) => _id);
  // The filter again, because a document may have changed since then.
  const { deletedCount } = await command((options) =>
    documents.deleteMany({ ...filter, _id: { $in: ids } }, options),
  );
  return deletedCount;
}
