import { setTimeout as wait } from 'node:timers/promises';
import { inTransaction, type Migration, openSqlite } from '@slipway/platform/store/sqlite';
import { sum } from '../money.ts';
import type { Charge, ChargeResult, PaymentProvider, RefundOrder, RefundResult } from '../provider.ts';

/**
 * A payment provider for development and tests. Like a bank it keeps its own books, in a file that the service
 * does not read, so that a charge can have happened although the service never heard of it.
 *
 * Methods: `pm_ok`; `pm_decline`; `pm_delay` answers late but in time; `pm_fail_once` breaks off the first
 * attempt before it charges; `pm_late` charges and answers only when asked again. It declines any other.
 */
export type Sandbox = PaymentProvider & {
  /** What was taken and not given back in one currency, by the provider's own books; minor units. */
  statement(currency: string): Promise<{ charges: number; net: number }>;
};

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

type Options = {
  /** How long `pm_delay` takes; milliseconds. */
  delayMs?: number;
};

/** @param url `sqlite:<path>` or `sqlite::memory:`; never the file of the billing store */
export function openSandbox(url: string, { delayMs = 1_000 }: Options = {}): Sandbox {
  const db = openSqlite(url, migrations);
  const findCharge = db.prepare('SELECT amount, currency, method, reason FROM charges WHERE key = ?');
  const addCharge = db.prepare('INSERT INTO charges VALUES (?, ?, ?, ?, ?)');
  const addAttempt = db.prepare('INSERT INTO attempts VALUES (?) ON CONFLICT DO NOTHING');
  const findRefund = db.prepare('SELECT charge_key, amount, reason FROM refunds WHERE key = ?');
  const refundsOf = db.prepare('SELECT amount FROM refunds WHERE charge_key = ? AND reason IS NULL');
  const addRefund = db.prepare('INSERT INTO refunds VALUES (?, ?, ?, ?)');
  const charged = db.prepare('SELECT amount FROM charges WHERE currency = ? AND reason IS NULL');
  const refunded = db.prepare(
    `SELECT refunds.amount FROM refunds JOIN charges ON charges.key = charge_key
     WHERE currency = ? AND refunds.reason IS NULL`,
  );

  const book = ({ idempotencyKey: key, amount, currency, method }: Charge): boolean =>
    inTransaction(db, () => {
      const known = findCharge.get(key);
      if (!known) addCharge.run(key, amount, currency, method, declineReason(method));
      else if (known.amount !== amount || known.currency !== currency || known.method !== method) {
        throw new Error(`The idempotency key ${key} was used for another charge`);
      }
      return known === undefined;
    });

  const bookRefund = ({ idempotencyKey: key, chargeKey, amount, currency }: RefundOrder): void =>
    inTransaction(db, () => {
      const known = findRefund.get(key);
      if (known && (known.charge_key !== chargeKey || known.amount !== amount)) {
        throw new Error(`The idempotency key ${key} was used for another refund`);
      }
      if (!known) addRefund.run(key, chargeKey, amount, refusal(chargeKey, amount, currency));
    });

  const refusal = (chargeKey: string, amount: number, currency: string): string | null => {
    const charge = findCharge.get(chargeKey);
    if (!charge || charge.reason !== null || charge.currency !== currency) return 'no such charge';
    const left = Number(charge.amount) - total(refundsOf.all(chargeKey));
    return amount > left ? 'more than is left of the charge' : null;
  };

  return {
    async charge(charge, signal): Promise<ChargeResult> {
      const { idempotencyKey: key, method } = charge;
      if (method === 'pm_fail_once' && addAttempt.run(key).changes === 1) {
        throw new Error('The connection to the provider broke');
      }
      const isFirst = book(charge);
      if (method === 'pm_delay' && isFirst) await wait(delayMs, undefined, { signal });
      if (method === 'pm_late' && isFirst) await aborted(signal);
      const reason = findCharge.get(key)?.reason;
      return reason == null ? { outcome: 'succeeded' } : { outcome: 'declined', reason: String(reason) };
    },
    async refund(order): Promise<RefundResult> {
      bookRefund(order);
      const reason = findRefund.get(order.idempotencyKey)?.reason;
      return reason == null ? { outcome: 'succeeded' } : { outcome: 'refused', reason: String(reason) };
    },
    async statement(currency) {
      const charges = charged.all(currency);
      return { charges: charges.length, net: total(charges) - total(refunded.all(currency)) };
    },
    async close() {
      db.close();
    },
  };
}

function declineReason(method: string): string | null {
  if (method === 'pm_decline') return 'The card has not enough cover';
  const isKnown = ['pm_ok', 'pm_delay', 'pm_fail_once', 'pm_late'].includes(method);
  return isKnown ? null : `The payment method ${method} is unknown`;
}

function total(rows: Record<string, unknown>[]): number {
  return sum(rows.map(({ amount }) => Number(amount)));
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
