import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextIteration } from 'node:timers/promises';
import type { IdempotencyStore, Reservation } from '@slipway/platform/http/idempotency';
import { inTransaction, type Migration } from './database.ts';

export const idempotencyMigration: Migration = {
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
};

type Row = {
  body_hash: string;
  status: number | null;
  content_type: string | null;
  body: string;
};

/** Maximum number of keys deleted at a time, so that other requests run in between. */
const expireBatch = 1_000;

/** Stores idempotency keys in an embedded database. */
export function sqliteIdempotency(db: DatabaseSync): IdempotencyStore {
  const claim = db.prepare(
    `INSERT INTO idempotency (key, body_hash, reserved_at) VALUES (:key, :bodyHash, :now)
     ON CONFLICT (key) DO UPDATE SET reserved_at = :now
     WHERE status IS NULL AND reserved_at < :now - :staleAfter AND body_hash = :bodyHash`,
  );
  const find = db.prepare('SELECT body_hash, status, content_type, body FROM idempotency WHERE key = ?');
  const complete = db.prepare(
    'UPDATE idempotency SET status = ?, content_type = ?, body = ? WHERE key = ? AND status IS NULL',
  );
  const release = db.prepare(
    'UPDATE idempotency SET reserved_at = reserved_at - ? WHERE key = ? AND status IS NULL',
  );
  const expire = db.prepare(
    'DELETE FROM idempotency WHERE key IN (SELECT key FROM idempotency WHERE reserved_at < ? LIMIT ?)',
  );

  return {
    async reserve(key, bodyHash, now, staleAfter) {
      return inTransaction(db, () => {
        const { changes } = claim.run({ key, bodyHash, now, staleAfter });
        return changes === 1 ? { state: 'reserved' } : found(find.get(key) as Row);
      });
    },
    async complete(key, { status, contentType, body }) {
      complete.run(status, contentType ?? null, body, key);
    },
    async release(key, staleAfter) {
      release.run(staleAfter + 1, key);
    },
    async expire(before) {
      while (Number(expire.run(before, expireBatch).changes) === expireBatch) await nextIteration();
    },
  };
}

function found({ body_hash: bodyHash, status, content_type, body }: Row): Reservation {
  if (status === null) return { state: 'running', bodyHash };
  return { state: 'done', bodyHash, answer: { status, contentType: content_type ?? undefined, body } };
}
