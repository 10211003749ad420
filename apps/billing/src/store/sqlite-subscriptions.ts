import type { DatabaseSync } from 'node:sqlite';
import type { SqliteOutbox } from '@slipway/store-sqlite/outbox';
import type { Subscription, SubscriptionStore } from '../subscriptions.ts';
import { readPage, sqliteAggregates } from './sqlite-aggregates.ts';

export function sqliteSubscriptions(db: DatabaseSync, outbox: SqliteOutbox): SubscriptionStore {
  const table = 'subscriptions';
  const find = db.prepare('SELECT doc FROM subscriptions WHERE id IN (SELECT value FROM json_each(?))');
  return {
    ...sqliteAggregates<Subscription>({ db, table, outbox }),
    async find(ids) {
      return find.all(JSON.stringify(ids)).map(({ doc }) => JSON.parse(String(doc)) as Subscription);
    },
    async list({ userId, status }, limit, after) {
      const where = { user_id: userId, status };
      return readPage(db, { table, where, by: 'started_at', order: 'DESC', limit, after });
    },
    async due(asOf, limit, after) {
      return readPage(db, { table, by: 'due_at', until: asOf, order: 'ASC', limit, after });
    },
  };
}
