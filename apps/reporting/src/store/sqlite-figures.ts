import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { Migration } from '@slipway/store-sqlite/database';
import {
  add,
  count,
  type Figure,
  type Place,
  type Report,
  type ReportedEvent,
  type SubscriptionState,
  subscriptionIn,
} from '../figures.ts';

/** A generation is a whole set of figures, so that a rebuild can count into one while another is shown. */
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
  part: String(part),
  key: String(key),
  sums: [Number(first), Number(second)],
});

/** Before every figure, and after every part. */
const start = { part: '', key: '' };
const end = '\uffff';
const beforeAll: Place & { report: string } = { report: '', ...start };

/** Figures by generation. Nothing here begins a transaction: that is for the caller, who knows the whole step. */
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
  // A figure of zeros is the same as none.
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

  const stateOf = (generation: number, id: string): SubscriptionState | undefined => {
    const row = findState.get(generation, id);
    return row && (JSON.parse(String(row.state)) as SubscriptionState);
  };

  const increase = (generation: number, { report, part, key, sums }: Figure) => {
    const row = find.get(generation, report, part, key);
    const [first, second] = add(row ? figureIn(row).sums : [0, 0], sums);
    put.run(generation, report, part, key, first, second);
  };

  return {
    /** @throws {RejectedEvent} if the event cannot be counted. */
    count(generation: number, event: ReportedEvent): void {
      const id = subscriptionIn(event);
      const { increments, state } = count(event, id ? stateOf(generation, id) : undefined);
      for (const increment of increments) increase(generation, increment);
      if (id && state) putState.run(generation, id, JSON.stringify(state));
    },
    list(
      generation: number,
      report: Report,
      { from = start.part, to = end }: { from?: string; to?: string },
      limit: number,
      after: Place = start,
    ): Figure[] {
      return list.all(generation, report, after.part, after.key, from, to, limit).map(figureIn);
    },
    largest(generation: number, report: Report, part: string, limit: number): Figure[] {
      return largest.all(generation, report, part, limit).map(figureIn);
    },
    /** Compares the next figures of a generation with those of another; `last` is absent after the end. */
    compare(
      generation: number,
      other: number,
      limit: number,
      after = beforeAll,
    ): { equal: boolean; last?: Figure } {
      const rows = compare.all(other, generation, after.report, after.part, after.key, limit);
      return { equal: rows.every(({ equal }) => equal === 1), last: rows.map(figureIn).at(-1) };
    },
    /** Deletes some of what generations before this one hold; false when nothing is left. */
    dropBefore(generation: number, limit: number): boolean {
      const dropped = [dropFigures, dropStates].map((drop) => Number(drop.run(generation, limit).changes));
      return dropped.some((changes) => changes > 0);
    },
  };
}
