import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { Migration } from '@slipway/store-sqlite/database';
import {
  add,
  count,
  type Figure,
  type FigurePosition,
  type Report,
  type ReportedEvent,
  type SubscriptionState,
  subscriptionIn,
} from '../figures.ts';

/**
 * The columns have the names of an earlier version: `generation` is the snapshot, `part` the group, `key` the
 * breakdown.
 */
export const figuresMigration: Migration = {
  name: 'reporting-figures-1',
  sql: `CREATE TABLE figures (
    generation INTEGER NOT NULL,
    report TEXT NOT NULL,
    part TEXT NOT NULL,
    key TEXT NOT NULL,
    first INTEGER NOT NULL,
    second INTEGER NOT NULL,
    PRIMARY KEY (generation, report, part, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX figures_by_size ON figures (generation, report, part, first DESC, key);
  CREATE TABLE subscriptions (
    generation INTEGER NOT NULL,
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (generation, id)
  ) STRICT, WITHOUT ROWID`,
};

type Row = Record<string, SQLOutputValue>;

const figureIn = ({ report, part, key, first, second }: Row): Figure => ({
  report: String(report) as Report,
  group: String(part),
  breakdown: String(key),
  sums: [Number(first), Number(second)],
});

/** `start` sorts before all figures of a report, and `end` after all groups. */
const start: FigurePosition = { group: '', breakdown: '' };
const end = '\uffff';

/** Reads and writes the figures of snapshots. The caller begins the transactions, because it knows all their steps. */
export function sqliteFigures(db: DatabaseSync) {
  const find = db.prepare(
    'SELECT * FROM figures WHERE generation = ? AND report = ? AND part = ? AND key = ?',
  );
  const put = db.prepare('INSERT OR REPLACE INTO figures VALUES (?, ?, ?, ?, ?, ?)');
  const findState = db.prepare('SELECT state FROM subscriptions WHERE generation = ? AND id = ?');
  const putState = db.prepare('INSERT OR REPLACE INTO subscriptions VALUES (?, ?, ?)');
  const list = db.prepare(
    `SELECT * FROM figures
     WHERE generation = ? AND report = ? AND (part, key) > (?, ?) AND part >= ? AND part <= ?
     ORDER BY part, key LIMIT ?`,
  );
  const largest = db.prepare(
    `SELECT * FROM figures WHERE generation = ? AND report = ? AND part = ? ORDER BY first DESC, key LIMIT ?`,
  );
  // A figure whose sums are zero equals a figure that does not exist.
  const compare = db.prepare(
    `SELECT a.*, a.first = coalesce(b.first, 0) AND a.second = coalesce(b.second, 0) AS equal
     FROM figures a LEFT JOIN figures b
       ON b.generation = ? AND b.report = a.report AND b.part = a.part AND b.key = a.key
     WHERE a.generation = ? AND (a.report, a.part, a.key) > (?, ?, ?)
     ORDER BY a.report, a.part, a.key LIMIT ?`,
  );
  const dropFigures = db.prepare(
    `DELETE FROM figures WHERE (generation, report, part, key) IN
       (SELECT generation, report, part, key FROM figures WHERE generation < ? LIMIT ?)`,
  );
  const dropStates = db.prepare(
    `DELETE FROM subscriptions WHERE (generation, id) IN
       (SELECT generation, id FROM subscriptions WHERE generation < ? LIMIT ?)`,
  );

  const stateOf = (snapshot: number, id: string): SubscriptionState | undefined => {
    const row = findState.get(snapshot, id);
    return row && (JSON.parse(String(row.state)) as SubscriptionState);
  };

  const increase = (snapshot: number, { report, group, breakdown, sums }: Figure) => {
    const row = find.get(snapshot, report, group, breakdown);
    const [first, second] = add(row ? figureIn(row).sums : [0, 0], sums);
    put.run(snapshot, report, group, breakdown, first, second);
  };

  return {
    /** @throws {RejectedEvent} if the event cannot be counted. */
    count(snapshot: number, event: ReportedEvent): void {
      const id = subscriptionIn(event);
      const { increments, state } = count(event, id ? stateOf(snapshot, id) : undefined);
      for (const increment of increments) increase(snapshot, increment);
      if (id && state) putState.run(snapshot, id, JSON.stringify(state));
    },
    list(
      snapshot: number,
      report: Report,
      { from = start.group, to = end }: { from?: string; to?: string },
      limit: number,
      after = start,
    ): Figure[] {
      return list.all(snapshot, report, after.group, after.breakdown, from, to, limit).map(figureIn);
    },
    largest(snapshot: number, report: Report, group: string, limit: number): Figure[] {
      return largest.all(snapshot, report, group, limit).map(figureIn);
    },
    /**
     * Compares up to `limit` figures of a snapshot with those of another, beginning after `after`. Returns the last
     * figure compared; `undefined` if none was left.
     */
    compare(
      snapshot: number,
      other: number,
      limit: number,
      after: FigurePosition & { report: string } = { report: '', ...start },
    ): { equal: boolean; last?: Figure } {
      const rows = compare.all(other, snapshot, after.report, after.group, after.breakdown, limit);
      return { equal: rows.every(({ equal }) => equal === 1), last: rows.map(figureIn).at(-1) };
    },
    /** Deletes some of the older snapshots' rows; returns false when none are left. */
    dropBefore(snapshot: number, limit: number): boolean {
      const dropped = [dropFigures, dropStates].map((drop) => Number(drop.run(snapshot, limit).changes));
      return dropped.some((changes) => changes > 0);
    },
  };
}
