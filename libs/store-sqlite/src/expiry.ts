import type { Expiring, ExpiringStore } from '@slipway/platform/events/aggregates';
import { type Options, sqliteAggregates } from './aggregates.ts';

/** Stores aggregates that expire. The table has an indexed column `expiresAt`, too. */
export function sqliteExpiring<T extends Expiring>(options: Options<T, unknown>): ExpiringStore<T> {
  const { db, table } = options;
  const expired = `SELECT id FROM ${table} WHERE expiresAt <= ? LIMIT ?`;
  const remove = db.prepare(`DELETE FROM ${table} WHERE id IN (${expired})`);
  return {
    ...sqliteAggregates<T>(options),
    async deleteExpired(now, limit) {
      return Number(remove.run(now, limit).changes);
    },
  };
}
