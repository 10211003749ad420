import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from '@slipway/store-sqlite/database';
import type { SqliteOutbox } from '@slipway/store-sqlite/outbox';
import { sum, toSafeNumber } from '../money.ts';
import type { UsageOutcome, UsageRecord, UsageStore } from '../usage.ts';
import { followSums, type PeriodTotal } from '../usage-totals.ts';

/** Totals by period are updated with the records, so that an invoice reads a few rows and not all records. */
export function sqliteUsage(db: DatabaseSync, outbox: SqliteOutbox): UsageStore {
  const insert = db.prepare('INSERT INTO usage VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING');
  const find = db.prepare('SELECT metric, quantity, at FROM usage WHERE subscription_id = ? AND id = ?');
  const count = db.prepare(
    `INSERT INTO usage_totals VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity, records = records + excluded.records`,
  );
  const remove = db.prepare('DELETE FROM usage WHERE subscription_id = ? AND id = ?');
  const totals = db.prepare(
    `SELECT period, metric, quantity, records FROM usage_totals
     WHERE subscription_id = ? ORDER BY period, metric`,
  );
  totals.setReadBigInts(true);

  /** The stored totals. A sum that the previous version stored may be too large for a number. */
  const sumsOf = (subscriptionId: string) =>
    totals.all(subscriptionId).map(({ metric, quantity }) => ({
      metric: String(metric),
      quantity: BigInt(String(quantity)),
    }));

  const totalsOf = (subscriptionId: string): PeriodTotal[] =>
    totals.all(subscriptionId).map(({ period, metric, quantity, records }) => ({
      period: Number(period),
      metric: String(metric),
      quantity: toSafeNumber(BigInt(String(quantity))),
      records: toSafeNumber(BigInt(String(records))),
    }));

  /** @param fits adds a quantity to the sum of its metric, or returns `false` if the sum would be too large */
  const add = (
    { subscriptionId, id, metric, quantity, at }: UsageRecord,
    fits: ReturnType<typeof followSums>,
  ): UsageOutcome => {
    if (insert.run(subscriptionId, id, metric, quantity, at).changes === 1) {
      if (fits(metric, quantity)) return 'added';
      remove.run(subscriptionId, id);
      return 'too_large';
    }
    const known = find.get(subscriptionId, id);
    const isSame = known?.metric === metric && known.quantity === quantity && known.at === at;
    return isSame ? 'duplicate' : 'conflict';
  };

  const countTotals = (added: UsageRecord[]) => {
    const groups = Map.groupBy(
      added,
      ({ subscriptionId, period, metric }) => `${subscriptionId} ${period} ${metric}`,
    );
    for (const group of groups.values()) {
      const [first] = group;
      if (!first) continue;
      const quantity = sum(group.map((record) => record.quantity));
      count.run(first.subscriptionId, first.period, first.metric, quantity, group.length);
    }
  };

  return {
    async add(records, eventsOf) {
      return inTransaction(db, () => {
        const ids = new Set(records.map(({ subscriptionId }) => subscriptionId));
        const sums = new Map([...ids].map((id) => [id, followSums(sumsOf(id))]));
        const outcomes = records.map((record) =>
          add(record, sums.get(record.subscriptionId) ?? followSums([])),
        );
        const added = records.filter((_, index) => outcomes[index] === 'added');
        countTotals(added);
        outbox.add(eventsOf(added));
        return outcomes;
      });
    },
    totals: async (subscriptionId) => totalsOf(subscriptionId),
  };
}
