import { inTransaction, type Migration, openSqlite } from '@slipway/store-sqlite/database';
import { nonBlocking } from '@slipway/store-sqlite/lock-retries';
import { sum } from '../money.ts';
import { type BookedCharge, type BookedRefund, refusal, type SandboxBooks } from './sandbox-books.ts';

const migrations: Migration[] = [
  {
    name: 'sandbox-1',
    sql: `CREATE TABLE charges (
      key TEXT PRIMARY KEY,
      amount INTEGER NOT NULL,
      currency TEXT NOT NULL,
      method TEXT NOT NULL,
      reason TEXT
    ) STRICT;
    CREATE TABLE refunds (
      key TEXT PRIMARY KEY,
      charge_key TEXT NOT NULL,
      amount INTEGER NOT NULL,
      reason TEXT
    ) STRICT;
    CREATE INDEX refunds_by_charge ON refunds (charge_key);
    CREATE TABLE attempts (key TEXT PRIMARY KEY) STRICT`,
  },
];

/** Opens books in a file, for one machine. */
export function openSqliteBooks(url: string): SandboxBooks {
  const db = openSqlite(url, migrations);
  const findCharge = db.prepare('SELECT amount, currency, method, reason FROM charges WHERE key = ?');
  const addCharge = db.prepare('INSERT INTO charges VALUES (?, ?, ?, ?, ?)');
  const addAttempt = db.prepare('INSERT INTO attempts VALUES (?) ON CONFLICT DO NOTHING');
  const findRefund = db.prepare('SELECT charge_key AS chargeKey, amount, reason FROM refunds WHERE key = ?');
  const refundsOf = db.prepare('SELECT amount FROM refunds WHERE charge_key = ? AND reason IS NULL');
  const addRefund = db.prepare('INSERT INTO refunds VALUES (?, ?, ?, ?)');
  const charged = db.prepare('SELECT amount FROM charges WHERE currency = ? AND reason IS NULL');
  const refunded = db.prepare(
    `SELECT refunds.amount FROM refunds JOIN charges ON charges.key = charge_key
     WHERE currency = ? AND refunds.reason IS NULL`,
  );
  const chargeOf = (key: string) => findCharge.get(key) as BookedCharge | undefined;

  return nonBlocking(db, {
    isFirstAttempt: async (key) => addAttempt.run(key).changes === 1,
    charge: async ({ idempotencyKey: key, amount, currency, method }, reason) =>
      inTransaction(db, () => {
        const known = chargeOf(key);
        if (known) return { booked: known, isNew: false };
        addCharge.run(key, amount, currency, method, reason);
        return { booked: { amount, currency, method, reason }, isNew: true };
      }),
    refund: async (order) =>
      inTransaction(db, () => {
        const { idempotencyKey: key, chargeKey, amount } = order;
        const known = findRefund.get(key) as BookedRefund | undefined;
        if (known) return known;
        const reason = refusal(chargeOf(chargeKey), total(refundsOf.all(chargeKey)), order);
        addRefund.run(key, chargeKey, amount, reason);
        return { chargeKey, amount, reason };
      }),
    async statement(currency) {
      const charges = charged.all(currency);
      return { charges: charges.length, net: total(charges) - total(refunded.all(currency)) };
    },
    async close() {
      db.close();
    },
  });
}

function total(rows: Record<string, unknown>[]): number {
  return sum(rows.map(({ amount }) => Number(amount)));
}
