import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from '@slipway/store-sqlite/database';
import type { SqliteOutbox } from '@slipway/store-sqlite/outbox';
import { sum, toSafeNumber } from '../money.ts';
import type { UsageOutcome, UsageRecord, UsageStore } from '../usage.ts';

/** Totals by period are kept up with the records, so that an invoice reads a few rows and not all records. */
export function sqliteUsage(db: DatabaseSync, outbox: SqliteOutbox): UsageStore {
  const insert = db.prepare('INSERT INTO usage VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING');
  const find = db.prepare('SELECT metric, quantity, at FROM usage WHERE subscription_id = ? AND id = ?');
  const count = db.prepare(
    `INSERT INTO usage_totals VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity, records = records + excluded.records`,
  );
  const totals = db.prepare(
    `SELECT metric, sum(quantity) AS quantity, sum(records) AS records FROM usage_totals
     WHERE subscription_id = ? AND period <= ? GROUP BY metric ORDER BY metric`,
  );
  totals.setReadBigInts(true);

  const add = ({ subscriptionId, id, metric, quantity, at }: UsageRecord): UsageOutcome => {
    if (insert.run(subscriptionId, id, metric, quantity, at).changes === 1) return 'added';
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
        const outcomes = records.map(add);
        const added = records.filter((_, index) => outcomes[index] === 'added');
        countTotals(added);
        outbox.add(eventsOf(added));
        return outcomes;
      });
    },
    async totals(subscriptionId, lastPeriod = Number.MAX_SAFE_INTEGER) {
      return totals.all(subscriptionId, lastPeriod).map(({ metric, quantity, records }) => ({
        metric: String(metric),
        quantity: toSafeNumber(BigInt(String(quantity))),
        records: toSafeNumber(BigInt(String(records))),
      }));
    },
  };
}
