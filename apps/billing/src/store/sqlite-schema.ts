import type { Migration } from '@slipway/store-sqlite/database';

/**
 * Aggregates are stored as documents, as in the MongoDB store. The columns that are searched are computed from the
 * document, so that the two cannot differ; only `pending_since` is written with it.
 */
export const billingMigrations: Migration[] = [
  {
    name: 'billing-1',
    sql: `CREATE TABLE subscriptions (
      id TEXT PRIMARY KEY,
      doc TEXT NOT NULL,
      version INTEGER AS (doc ->> 'version'),
      user_id TEXT AS (doc ->> 'userId'),
      status TEXT AS (doc ->> 'status'),
      started_at TEXT AS (doc ->> 'startedAt'),
      due_at TEXT AS (doc ->> 'dueAt')
    ) STRICT;
    CREATE INDEX subscriptions_by_time ON subscriptions (started_at, id);
    CREATE INDEX subscriptions_by_user ON subscriptions (user_id, started_at, id);
    CREATE INDEX subscriptions_by_due ON subscriptions (due_at, id) WHERE due_at IS NOT NULL;

    CREATE TABLE invoices (
      id TEXT PRIMARY KEY,
      doc TEXT NOT NULL,
      pending_since TEXT,
      version INTEGER AS (doc ->> 'version'),
      user_id TEXT AS (doc ->> 'userId'),
      subscription_id TEXT AS (doc ->> 'subscriptionId'),
      status TEXT AS (doc ->> 'status'),
      issued_at TEXT AS (doc ->> 'issuedAt')
    ) STRICT;
    CREATE INDEX invoices_by_time ON invoices (issued_at, id);
    CREATE INDEX invoices_by_user ON invoices (user_id, issued_at, id);
    CREATE INDEX invoices_by_subscription ON invoices (subscription_id, issued_at, id);
    CREATE INDEX invoices_pending ON invoices (pending_since, id) WHERE pending_since IS NOT NULL;
    CREATE TABLE payments (id TEXT PRIMARY KEY, invoice_id TEXT NOT NULL) STRICT;

    CREATE TABLE entries (id TEXT PRIMARY KEY, at TEXT NOT NULL, doc TEXT NOT NULL) STRICT;
    CREATE INDEX entries_by_time ON entries (at, id);
    CREATE TABLE postings (
      entry_id TEXT NOT NULL REFERENCES entries,
      account TEXT NOT NULL,
      currency TEXT NOT NULL,
      amount INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE usage (
      subscription_id TEXT NOT NULL,
      id TEXT NOT NULL,
      metric TEXT NOT NULL,
      quantity INTEGER NOT NULL,
      at TEXT NOT NULL,
      PRIMARY KEY (subscription_id, id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE usage_totals (
      subscription_id TEXT NOT NULL,
      period INTEGER NOT NULL,
      metric TEXT NOT NULL,
      quantity INTEGER NOT NULL,
      records INTEGER NOT NULL,
      PRIMARY KEY (subscription_id, period, metric)
    ) STRICT, WITHOUT ROWID;`,
  },
  {
    name: 'billing-2',
    sql: `CREATE TABLE closed_accounts (user_id TEXT PRIMARY KEY, closed_at TEXT NOT NULL) STRICT;`,
  },
];
