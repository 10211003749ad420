import type { DatabaseSync } from 'node:sqlite';
import type { IdempotencyStore, Reservation } from '@slipway/platform/http/idempotency';
import { inTransaction, type Migration } from './database.ts';

export const idempotencyMigrations: Migration[] = [
  {
    name: 'platform-idempotency-1',
    sql: `CREATE TABLE idempotency (
      key TEXT PRIMARY KEY,
      body_hash TEXT NOT NULL,
      reserved_at INTEGER NOT NULL,
      status INTEGER,
      content_type TEXT,
      body TEXT
    ) STRICT;
    CREATE INDEX idempotency_by_age ON idempotency (reserved_at)`,
  },
  {
    name: 'platform-idempotency-2',
    sql: `ALTER TABLE idempotency ADD COLUMN caller TEXT NOT NULL DEFAULT '';
    ALTER TABLE idempotency ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX idempotency_by_caller ON idempotency (caller, reserved_at, bytes, status, key)`,
  },
];

type Row = {
  body_hash: string;
  status: number | null;
  content_type: string | null;
  body: string;
};

/** Stores idempotency keys in an embedded database. */
export function sqliteIdempotency(db: DatabaseSync): IdempotencyStore {
  const claim = db.prepare(
    `INSERT INTO idempotency (key, body_hash, reserved_at, caller) VALUES (:key, :bodyHash, :now, :caller)
     ON CONFLICT (key) DO UPDATE SET reserved_at = :now
     WHERE status IS NULL AND reserved_at < :now - :staleAfter AND body_hash = :bodyHash`,
  );
  const find = db.prepare('SELECT body_hash, status, content_type, body FROM idempotency WHERE key = ?');
  const complete = db.prepare(
    'UPDATE idempotency SET status = ?, content_type = ?, body = ?, bytes = ? WHERE key = ? AND status IS NULL',
  );
  const release = db.prepare(
    'UPDATE idempotency SET reserved_at = reserved_at - ? WHERE key = ? AND status IS NULL',
  );
  const expire = db.prepare(
    'DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency WHERE reserved_at < ? LIMIT ?)',
  );
  const trim = db.prepare(
    `DELETE FROM idempotency WHERE key IN (
       SELECT key FROM (
         SELECT key, reserved_at, status, row_number() OVER newest AS records, sum(bytes) OVER newest AS bytes
         FROM idempotency WHERE caller = :caller WINDOW newest AS (ORDER BY reserved_at DESC)
       )
       WHERE (records > :records OR bytes > :bytes) AND (status IS NOT NULL OR reserved_at < :runningSince)
     )`,
  );

  return {
    async reserve(key, bodyHash, now, staleAfter, caller = '') {
      return inTransaction(db, () => {
        const { changes } = claim.run({ key, bodyHash, now, staleAfter, caller });
        return changes === 1 ? { state: 'reserved' } : found(find.get(key) as Row);
      });
    },
    async complete(key, { status, contentType, body }) {
      complete.run(status, contentType ?? null, body, Buffer.byteLength(body), key);
    },
    async release(key, staleAfter) {
      release.run(staleAfter + 1, key);
    },
    async expire(before, limit) {
      return Number(expire.run(before, limit).changes);
    },
    async trim(caller, limits, runningSince) {
      trim.run({ caller, ...limits, runningSince });
    },
  };
}

function found({ body_hash: bodyHash, status, content_type, body }: Row): Reservation {
  if (status === null) return { state: 'running', bodyHash };
  return { state: 'done', bodyHash, answer: { status, contentType: content_type ?? undefined, body } };
}
