import type { DatabaseSync } from 'node:sqlite';
import { readPage, sqliteAggregates } from '@slipway/store-sqlite/aggregates';
import { openSqlite } from '@slipway/store-sqlite/database';
import { sqliteExpiring } from '@slipway/store-sqlite/expiry';
import { jobsMigration, sqliteJobs } from '@slipway/store-sqlite/jobs';
import { nonBlocking } from '@slipway/store-sqlite/lock-retries';
import { outboxMigration, type SqliteOutbox, sqliteOutbox } from '@slipway/store-sqlite/outbox';
import { type Account, type AccountStore, emailTaken } from '../accounts.ts';
import type { AdministratorList } from '../administrators.ts';
import type { Attempts } from '../login-limit.ts';
import type { Session } from '../sessions.ts';
import type { KeyRing } from '../signing-keys.ts';
import { usersMigrations } from './sqlite-schema.ts';
import type { UsersStore } from './store.ts';

/**
 * Opens the embedded store of the users service.
 *
 * @param url `sqlite:<path>` or `sqlite::memory:`
 * @throws {StartError} if the file cannot be used
 */
export function openSqliteStore(url: string): UsersStore {
  const db = openSqlite(url, [outboxMigration, ...usersMigrations, jobsMigration]);
  const outbox = sqliteOutbox(db);
  const ping = db.prepare('SELECT 1');
  const parts = { db, outbox };
  return nonBlocking(db, {
    outbox,
    accounts: sqliteAccounts(db, outbox),
    sessions: sqliteExpiring<Session>({ ...parts, table: 'sessions' }),
    attempts: sqliteExpiring<Attempts>({ ...parts, table: 'attempts' }),
    administrators: sqliteAggregates<AdministratorList>({ ...parts, table: 'singles' }),
    keyRing: sqliteAggregates<KeyRing>({ ...parts, table: 'singles' }),
    jobs: sqliteJobs(db),
    async ping() {
      ping.get();
    },
    async close() {
      db.close();
    },
  });
}

function sqliteAccounts(db: DatabaseSync, outbox: SqliteOutbox): AccountStore {
  const table = 'accounts';
  const byEmail = db.prepare('SELECT doc FROM accounts WHERE email = ?');
  return {
    ...sqliteAggregates<Account>({ db, table, outbox, taken: emailTaken }),
    async byEmail(email) {
      const row = byEmail.get(email);
      return row && (JSON.parse(String(row.doc)) as Account);
    },
    async list(limit, after) {
      return readPage(db, { table, by: 'createdAt', order: 'ASC', limit, after });
    },
  };
}
