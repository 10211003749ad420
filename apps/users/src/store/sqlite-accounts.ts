import type { DatabaseSync } from 'node:sqlite';
import { inTransaction, type Migration } from '@slipway/store-sqlite/database';
import type { SqliteOutbox } from '@slipway/store-sqlite/outbox';
import type { Account, AccountStore } from '../accounts.ts';

export const accountsMigration: Migration = {
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
};

/** Accounts in an embedded store; their events go to the outbox in the same transaction. */
export function sqliteAccounts(db: DatabaseSync, outbox: Pick<SqliteOutbox, 'add'>): AccountStore {
  const insert = db.prepare(`INSERT INTO accounts
    VALUES (:id, :email, :name, :passwordHash, :passwordVersion, :createdAt, :version)
    ON CONFLICT (email) DO NOTHING`);
  const byId = db.prepare('SELECT * FROM accounts WHERE id = ?');
  const byEmail = db.prepare('SELECT * FROM accounts WHERE email = ?');
  const update = db.prepare(`UPDATE OR IGNORE accounts SET email = :email, name = :name,
      passwordHash = :passwordHash, passwordVersion = :passwordVersion, version = :version
    WHERE id = :id AND version = :seen`);
  const remove = db.prepare('DELETE FROM accounts WHERE id = ? AND version = ?');
  const page = db.prepare(`SELECT * FROM accounts WHERE (createdAt, id) > (?, ?)
    ORDER BY createdAt, id LIMIT ?`);

  return {
    async createAccount(account, events) {
      return inTransaction(db, () => {
        if (insert.run(account).changes === 0) return 'email_taken';
        outbox.add(events);
        return 'created';
      });
    },
    async accountById(id) {
      return byId.get(id) as Account | undefined;
    },
    async accountByEmail(email) {
      return byEmail.get(email) as Account | undefined;
    },
    async replaceAccount({ createdAt: _, ...account }, seen) {
      return inTransaction(db, () => {
        if (update.run({ ...account, seen }).changes === 1) return 'replaced';
        const holder = byEmail.get(account.email);
        return holder && holder.id !== account.id ? 'email_taken' : 'version_mismatch';
      });
    },
    async removeAccount(id, seen, events) {
      return inTransaction(db, () => {
        if (remove.run(id, seen).changes === 0) return 'version_mismatch';
        outbox.add(events);
        return 'removed';
      });
    },
    async listAccounts(limit, after = { at: '', id: '' }) {
      return page.all(after.at, after.id, limit) as Account[];
    },
  };
}
