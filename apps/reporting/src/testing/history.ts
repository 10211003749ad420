import { openSqlite } from '@slipway/store-sqlite/database';
import { inboxMigration } from '@slipway/store-sqlite/inbox';
import { generateYear } from './year.ts';

/** Events that are stored in one transaction. */
const batch = 100_000;

/**
 * Creates a store of reporting with the first events of a generated year. They are written to the inbox alone: an export
 * reads nothing else, and the running figures would cost more than all the rest.
 */
export function storeHistory(path: string, events: number): void {
  const db = openSqlite(`sqlite:${path}`, [inboxMigration]);
  try {
    // Nothing is lost if this is cut off: the file is made again.
    db.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -262144');
    const insert = db.prepare('INSERT INTO inbox (id, event) VALUES (?, ?)');
    db.exec('BEGIN');
    let stored = 0;
    for (const event of generateYear({ seed: 15, customers: Number.POSITIVE_INFINITY, usagePerMonth: 4 })) {
      insert.run(event.id, JSON.stringify(event));
      stored += 1;
      if (stored % batch === 0) db.exec('COMMIT; BEGIN');
      if (stored === events) break;
    }
    db.exec('COMMIT');
  } finally {
    db.close();
  }
}
