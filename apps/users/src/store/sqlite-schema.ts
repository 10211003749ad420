import type { Migration } from '@slipway/store-sqlite/database';

/**
 * Aggregates are stored as documents, as in the MongoDB store. The columns that are searched are computed from the
 * document, so that the two cannot differ. Earlier versions stored each field in a column.
 */
export const usersMigrations: Migration[] = [
  {
    name: 'users-accounts-1',
    sql: `CREATE TABLE accounts (
      id TEXT PRIMARY KEY,
      email TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      passwordHash TEXT NOT NULL,
      passwordVersion INTEGER NOT NULL,
      createdAt TEXT NOT NULL,
      version INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX accounts_in_order ON accounts (createdAt, id)`,
  },
  {
    name: 'users-sessions-1',
    sql: `CREATE TABLE sessions (
      id TEXT PRIMARY KEY,
      accountId TEXT NOT NULL,
      passwordVersion INTEGER NOT NULL,
      tokenHash TEXT NOT NULL,
      refreshedAt INTEGER NOT NULL,
      expiresAt INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX sessions_by_expiry ON sessions (expiresAt);
    CREATE TABLE attempts (
      key TEXT PRIMARY KEY,
      failures INTEGER NOT NULL,
      lastAt INTEGER NOT NULL,
      expiresAt INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX attempts_by_expiry ON attempts (expiresAt);`,
  },
  {
    name: 'users-singles-1',
    sql: `CREATE TABLE singles (
      name TEXT PRIMARY KEY,
      version INTEGER NOT NULL,
      content TEXT NOT NULL
    ) STRICT, WITHOUT ROWID`,
  },
  {
    name: 'users-documents-1',
    sql: `ALTER TABLE accounts RENAME TO old_accounts;
    CREATE TABLE accounts (
      id TEXT PRIMARY KEY,
      doc TEXT NOT NULL,
      version INTEGER AS (doc ->> 'version'),
      email TEXT AS (doc ->> 'email'),
      createdAt TEXT AS (doc ->> 'createdAt')
    ) STRICT;
    INSERT INTO accounts SELECT id, json_object(
      'id', id, 'email', email, 'name', name, 'passwordHash', passwordHash,
      'passwordVersion', passwordVersion, 'createdAt', createdAt, 'version', version
    ) FROM old_accounts;
    DROP TABLE old_accounts;
    CREATE UNIQUE INDEX accounts_by_email ON accounts (email);
    CREATE INDEX accounts_in_order ON accounts (createdAt, id);

    ALTER TABLE sessions RENAME TO old_sessions;
    CREATE TABLE sessions (
      id TEXT PRIMARY KEY,
      doc TEXT NOT NULL,
      version INTEGER AS (doc ->> 'version'),
      expiresAt INTEGER AS (doc ->> 'expiresAt')
    ) STRICT;
    INSERT INTO sessions SELECT id, json_object(
      'id', id, 'accountId', accountId, 'passwordVersion', passwordVersion, 'tokenHash', tokenHash,
      'refreshedAt', refreshedAt, 'expiresAt', expiresAt, 'version', 1
    ) FROM old_sessions;
    DROP TABLE old_sessions;
    CREATE INDEX sessions_by_expiry ON sessions (expiresAt);

    ALTER TABLE attempts RENAME TO old_attempts;
    CREATE TABLE attempts (
      id TEXT PRIMARY KEY,
      doc TEXT NOT NULL,
      version INTEGER AS (doc ->> 'version'),
      expiresAt INTEGER AS (doc ->> 'expiresAt')
    ) STRICT;
    INSERT INTO attempts SELECT key, json_object(
      'id', key, 'failures', failures, 'lastAt', lastAt, 'expiresAt', expiresAt, 'version', 1
    ) FROM old_attempts;
    DROP TABLE old_attempts;
    CREATE INDEX attempts_by_expiry ON attempts (expiresAt);

    ALTER TABLE singles RENAME TO old_singles;
    CREATE TABLE singles (
      id TEXT PRIMARY KEY,
      doc TEXT NOT NULL,
      version INTEGER AS (doc ->> 'version')
    ) STRICT;
    INSERT INTO singles SELECT name, json_set(content, '$.id', name) FROM old_singles;
    DROP TABLE old_singles`,
  },
];
