import type { DatabaseSync } from 'node:sqlite';
import { problem } from '@slipway/contracts/errors';
import type { Migration } from '@slipway/store-sqlite/database';

/** Which generation is shown; which one a rebuild counts into, and the stored events it still has to count. */
export const generationsMigration: Migration = {
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

/**
 * `newest` is the highest number ever given, so that what a given-up rebuild left is never taken for another's;
 * `counted` < place <= `until` are the places of the events that the rebuild still has to count.
 */
export type Generations = {
  shown: number;
  newest: number;
  building?: number;
  counted: number;
  until: number;
};

/** The one row that tells which figures are which. The caller holds the transaction. */
export function sqliteGenerations(db: DatabaseSync) {
  const read = db.prepare('SELECT * FROM generations');
  const write = db.prepare(
    'UPDATE generations SET shown = ?, newest = ?, building = ?, counted = ?, until = ?',
  );

  const now = (): Generations => {
    const row = read.get() ?? {};
    return {
      shown: Number(row.shown),
      newest: Number(row.newest),
      building: row.building === null ? undefined : Number(row.building),
      counted: Number(row.counted),
      until: Number(row.until),
    };
  };

  return {
    now,
    write({ shown, newest, building, counted, until }: Generations): void {
      write.run(shown, newest, building ?? null, counted, until);
    },
    /** @throws {Problem} conflict if `generation` is not the one being built any more. */
    building(generation: number): Generations {
      const generations = now();
      if (generations.building === generation) return generations;
      throw problem('conflict', 'Another rebuild has begun in the meantime');
    },
  };
}
