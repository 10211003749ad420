import type { DatabaseSync } from 'node:sqlite';
import { inTransaction, type Migration, openSqlite } from '@slipway/store-sqlite/database';
import { nonBlocking } from '@slipway/store-sqlite/non-blocking';
import { outboxMigration, sqliteOutbox } from '@slipway/store-sqlite/outbox';
import type { AdministratorList, AdministratorStore } from '../administrators.ts';
import type { AttemptStore, Attempts } from '../login-limit.ts';
import type { Session, SessionStore } from '../sessions.ts';
import type { KeyRing, KeyRingStore } from '../signing-keys.ts';
import { accountsMigration, sqliteAccounts } from './sqlite-accounts.ts';
import type { UsersStore } from './users-store.ts';

const migrations: Migration[] = [
  outboxMigration,
  accountsMigration,
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
];

/**
 * The embedded store.
 *
 * @param url `sqlite:<path>` or `sqlite::memory:`
 * @throws {StartError} if the file cannot be used.
 */
export function openSqliteStore(url: string): UsersStore {
  const db = openSqlite(url, migrations);
  const outbox = sqliteOutbox(db);
  const ping = db.prepare('SELECT 1');
  return nonBlocking(db, {
    outbox,
    ...sqliteAccounts(db, outbox),
    ...sqliteSessions(db),
    ...sqliteAttempts(db),
    ...sqliteSingles(db),
    async ping() {
      ping.get();
    },
    async close() {
      db.close();
    },
  });
}

function sqliteSessions(db: DatabaseSync): SessionStore {
  const forget = db.prepare('DELETE FROM sessions WHERE expiresAt <= ?');
  const insert = db.prepare(`INSERT INTO sessions
    VALUES (:id, :accountId, :passwordVersion, :tokenHash, :refreshedAt, :expiresAt)`);
  const select = db.prepare('SELECT * FROM sessions WHERE id = ?');
  const update = db.prepare(`UPDATE sessions
    SET tokenHash = :tokenHash, refreshedAt = :refreshedAt, expiresAt = :expiresAt
    WHERE id = :id AND tokenHash = :seen`);
  const keep = db.prepare(`UPDATE sessions SET passwordVersion = max(passwordVersion, :passwordVersion)
    WHERE id = :id AND accountId = :accountId`);
  const remove = db.prepare('DELETE FROM sessions WHERE id = ?');
  return {
    async createSession(session) {
      inTransaction(db, () => {
        forget.run(session.refreshedAt);
        insert.run(session);
      });
    },
    async sessionById(id) {
      return select.get(id) as Session | undefined;
    },
    async replaceSession({ accountId: _, passwordVersion: _same, ...session }, seen) {
      return update.run({ ...session, seen }).changes === 1;
    },
    async keepSession({ id, accountId, passwordVersion }) {
      keep.run({ id, accountId, passwordVersion });
    },
    async removeSession(id) {
      remove.run(id);
    },
  };
}

function sqliteAttempts(db: DatabaseSync): AttemptStore {
  const forget = db.prepare('DELETE FROM attempts WHERE expiresAt <= ?');
  const select = db.prepare('SELECT * FROM attempts WHERE key = ?');
  const insert = db.prepare(`INSERT INTO attempts VALUES (:key, :failures, :lastAt, :expiresAt)
    ON CONFLICT (key) DO NOTHING`);
  const update =
    db.prepare(`UPDATE attempts SET failures = :failures, lastAt = :lastAt, expiresAt = :expiresAt
    WHERE key = :key AND failures = :seen`);
  const remove = db.prepare('DELETE FROM attempts WHERE key = ? AND failures = ?');
  return {
    async attempts(key) {
      return select.get(key) as Attempts | undefined;
    },
    async replaceAttempts(attempts, seen) {
      if (attempts.failures === 0) return remove.run(attempts.key, seen).changes === 1;
      if (seen > 0) return update.run({ ...attempts, seen }).changes === 1;
      return inTransaction(db, () => {
        forget.run(attempts.lastAt);
        return insert.run(attempts).changes === 1;
      });
    },
  };
}

/** Aggregates of which there is one. */
function sqliteSingles(db: DatabaseSync): AdministratorStore & KeyRingStore {
  const select = db.prepare('SELECT content FROM singles WHERE name = ?');
  const insert = db.prepare(`INSERT INTO singles VALUES (:name, :version, :content)
    ON CONFLICT (name) DO UPDATE SET version = :version, content = :content WHERE version = :version - 1`);
  const read = <T>(name: string): T | undefined => {
    const row = select.get(name);
    return row && (JSON.parse(String(row.content)) as T);
  };
  const write = (name: string, single: { version: number }): boolean =>
    insert.run({ name, version: single.version, content: JSON.stringify(single) }).changes === 1;
  return {
    async administrators() {
      return read<AdministratorList>('administrators') ?? { ids: [], version: 0 };
    },
    async replaceAdministrators(list) {
      return write('administrators', list);
    },
    async keyRing() {
      return read<KeyRing>('key ring') ?? { keys: [], version: 0 };
    },
    async replaceKeyRing(ring) {
      return write('key ring', ring);
    },
  };
}
