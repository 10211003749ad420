/** The statements of the embedded stores, by node:sqlite alone, on the same files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Subscription } from '@slipway/billing/subscriptions';
import { usageEvents } from '@slipway/billing/usage';
import type { DomainEvent } from '@slipway/contract-kit/event';
import type { ReportedEvent } from '@slipway/reporting/figures';
import type { Account } from '@slipway/users/accounts';
import {
  type BillingCalls,
  certain,
  changesOf,
  inTurn,
  newAccount,
  newUsage,
  newUse,
  newUses,
  type ReportingCalls,
  signedUp,
  type UsersCalls,
} from './calls.ts';
import { billing, type Opened, reporting, users } from './services.ts';

/** Opens all three stores in a temporary folder, which `close` removes. */
export async function openSqlite(): Promise<Opened> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-bench-'));
  const connections: DatabaseSync[] = [];
  const connect = (name: string) => {
    const db = new DatabaseSync(join(folder, name));
    db.exec('PRAGMA synchronous = FULL');
    connections.push(db);
    return db;
  };
  const url = (name: string) => `sqlite:${join(folder, name)}`;
  const opened = [
    await users('SQLite', url('users.db'), (accounts) => driveUsers(connect('users.db'), accounts)),
    await billing('SQLite', url('billing.db'), (seeded) => driveBilling(connect('billing.db'), seeded)),
    await reporting('SQLite', url('reporting.db'), () => driveReporting(connect('reporting.db'))),
  ];
  return {
    operations: opened.flatMap(({ operations }) => operations),
    async close() {
      for (const db of connections) db.close();
      for (const each of opened) await each.close();
      rmSync(folder, { recursive: true });
    },
  };
}

function driveUsers(db: DatabaseSync, seeded: Account[]): UsersCalls {
  const next = inTurn(seeded);
  const byId = db.prepare('SELECT doc FROM accounts WHERE id = ?');
  const byEmail = db.prepare('SELECT doc FROM accounts WHERE email = ?');
  const insert = db.prepare('INSERT INTO accounts (id, doc) VALUES (?, ?)');
  const tell = outboxOf(db);
  return {
    'account by id': async () => parsed(byId.get(next().id)),
    'account by e-mail': async () => parsed(byEmail.get(next().email)),
    'new account': async () => {
      const account = newAccount();
      transaction(db, () => {
        insert.run(account.id, JSON.stringify(account));
        tell([signedUp(account)]);
      });
    },
  };
}

function driveBilling(db: DatabaseSync, seeded: Subscription[]): BillingCalls {
  const next = inTurn(seeded);
  const nextChange = changesOf(seeded);
  const subscription = db.prepare('SELECT doc FROM subscriptions WHERE id = ?');
  const invoice = db.prepare('SELECT doc FROM invoices WHERE id = ?');
  const update = db.prepare('UPDATE subscriptions SET doc = ? WHERE id = ? AND version = ?');
  const use = db.prepare('INSERT INTO usage VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING');
  const count = db.prepare(`INSERT INTO usage_totals VALUES (?, 1, 'api_calls', 3000, 1000)
    ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity, records = records + excluded.records`);
  const tell = outboxOf(db);
  return {
    'subscription by id': async () => parsed(subscription.get(next().id)),
    'subscription changed': async () => {
      const { next: state, events } = nextChange();
      transaction(db, () => {
        certain(update.run(JSON.stringify(state), state.id, state.version - 1).changes === 1);
        tell(events);
      });
    },
    'invoice by id': async () => parsed(invoice.get(`${next().id}.1`)),
    '1,000 usage records': async () => {
      const added = newUsage(next());
      transaction(db, () => {
        for (const { subscriptionId, id, metric, quantity, at } of added)
          use.run(subscriptionId, id, metric, quantity, at);
        count.run(String(added[0]?.subscriptionId));
        tell(usageEvents(added));
      });
    },
  };
}

function driveReporting(db: DatabaseSync): ReportingCalls {
  const place = inTurn([...Array(100).keys()]);
  const note = db.prepare('INSERT INTO inbox (id, event) VALUES (?, ?) ON CONFLICT (id) DO NOTHING');
  const generations = db.prepare('SELECT * FROM generations');
  const ofPlace = 'WHERE generation = 9 AND report = ? AND part = ? AND key = ?';
  const find = db.prepare(`SELECT * FROM figures ${ofPlace}`);
  const put = db.prepare('INSERT OR REPLACE INTO figures VALUES (9, ?, ?, ?, ?, ?)');
  const largest = db.prepare(`SELECT * FROM figures
    WHERE generation = ? AND report = ? AND part = ? ORDER BY first DESC, key LIMIT ?`);
  const apply = (event: ReportedEvent) =>
    transaction(db, () => {
      note.run(event.id, JSON.stringify(event));
      generations.get();
      const { subscriptionId, userId } = event.data as { subscriptionId: string; userId: string };
      const figure = ['usage', 'api_calls', `${subscriptionId}/${userId}`] as const;
      const records = Number(find.get(...figure)?.second ?? 0) + 1;
      put.run(...figure, records * 3, records);
    });
  return {
    'event applied': async () => apply(newUse(place())),
    '100 events applied': async () => newUses().forEach(apply),
    'report of the largest 10': async () => {
      generations.get();
      return largest.all(1, 'usage', 'api_calls', 10);
    },
  };
}

const parsed = (row?: Record<string, unknown>) => JSON.parse(String(row?.doc));

function outboxOf(db: DatabaseSync) {
  const insert = db.prepare(
    'INSERT INTO outbox (id, at, event) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING',
  );
  return (events: DomainEvent[]) => {
    for (const event of events) insert.run(event.id, event.at, JSON.stringify(event));
  };
}

function transaction(db: DatabaseSync, work: () => void): void {
  db.exec('BEGIN IMMEDIATE');
  work();
  db.exec('COMMIT');
}
