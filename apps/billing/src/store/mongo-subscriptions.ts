import type { MongoStore } from '@slipway/store-mongodb/database';
import type { MongoOutbox } from '@slipway/store-mongodb/outbox';
import type { Subscription, SubscriptionStore } from '../subscriptions.ts';
import { type Kept, mongoAggregates, readPage } from './mongo-aggregates.ts';

export function mongoSubscriptions(store: MongoStore, outbox: MongoOutbox): SubscriptionStore {
  const name = 'subscriptions';
  const collection = store.collection<Kept<Subscription>>(name);
  return {
    ...mongoAggregates<Subscription>({ store, name, outbox }),
    async find(ids) {
      const found = await store.command((options) =>
        collection.find({ _id: { $in: ids } }, options).toArray(),
      );
      return found.map(({ state }) => state);
    },
    async list({ userId, status }, limit, after) {
      const where = { 'state.userId': userId, 'state.status': status };
      return readPage(store, { name, where, by: 'state.startedAt', order: 'descending', limit, after });
    },
    async due(asOf, limit, after) {
      return readPage(store, { name, by: 'state.dueAt', until: asOf, order: 'ascending', limit, after });
    },
  };
}
