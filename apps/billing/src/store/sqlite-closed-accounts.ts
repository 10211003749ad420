import type { DatabaseSync } from 'node:sqlite';
import type { ClosedAccountStore } from '../account-closing.ts';

export function sqliteClosedAccounts(db: DatabaseSync): ClosedAccountStore {
  const write = db.prepare(
    `INSERT INTO closed_accounts VALUES (?, ?)
     ON CONFLICT (user_id) DO UPDATE SET closed_at = max(closed_at, excluded.closed_at)`,
  );
  const find = db.prepare('SELECT closed_at FROM closed_accounts WHERE user_id = ?');
  return {
    async close(userId, at) {
      write.run(userId, at);
    },
    async closedAt(userId) {
      const row = find.get(userId);
      return row && String(row.closed_at);
    },
  };
}
