import type { DatabaseSync } from 'node:sqlite';
import { problem } from '@slipway/contracts/errors';
import type { Migration } from '@slipway/store-sqlite/database';

/** One row has the numbers of the snapshots (`generations`; `shown` is the current one) and a rebuild's progress. */
export const snapshotsMigration: Migration = {
  name: 'reporting-generations-1',
  sql: `CREATE TABLE generations (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    shown INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    building INTEGER,
    counted INTEGER NOT NULL,
    until INTEGER NOT NULL
  ) STRICT;
  INSERT INTO generations VALUES (1, 1, 1, NULL, 0, 0)`,
};

export type Snapshots = {
  /** The snapshot that reports read. */
  current: number;
  /** The highest number ever used, so that a new snapshot never reuses the rows of an abandoned rebuild. */
  newest: number;
  /** The snapshot that a rebuild is counting into. */
  building?: number;
  /** The rebuild has counted the stored events up to this number; `until` is the number of the last one to count. */
  counted: number;
  until: number;
};

/** Reads and writes the numbers of the snapshots. The caller begins the transactions. */
export function sqliteSnapshots(db: DatabaseSync) {
  const read = db.prepare('SELECT * FROM generations');
  const write = db.prepare(
    'UPDATE generations SET shown = ?, newest = ?, building = ?, counted = ?, until = ?',
  );

  const get = (): Snapshots => {
    const row = read.get() ?? {};
    return {
      current: Number(row.shown),
      newest: Number(row.newest),
      building: row.building === null ? undefined : Number(row.building),
      counted: Number(row.counted),
      until: Number(row.until),
    };
  };

  return {
    get,
    write({ current, newest, building, counted, until }: Snapshots): void {
      write.run(current, newest, building ?? null, counted, until);
    },
    /** @throws {Problem} conflict if no rebuild is counting into `snapshot` any more. */
    getBuilding(snapshot: number): Snapshots {
      const snapshots = get();
      if (snapshots.building === snapshot) return snapshots;
      throw problem('conflict', 'Another rebuild has begun since');
    },
  };
}
