import type { RejectedEvent } from '@slipway/platform/events/inbox';
import type { DatastoreStore, Found, Reads, Step } from '@slipway/store-datastore/entities';
import type { Figure, FigurePosition, Report, ReportedEvent, Sums } from '../figures.ts';
import { type Draft, draft, type Known, nothingKnown } from './draft.ts';
import { afterSpace, figureName, keyIn, rankName, snapshotName } from './figure-names.ts';

const figureKind = 'Figure';
const stateKind = 'Subscription';

type Range = { from?: string; to?: string; after?: FigurePosition };

/** Returns a report's figures, sorted by group and breakdown. */
export async function listFigures(
  reads: Reads,
  snapshot: number,
  report: Report,
  { from, to, after }: Range,
  limit: number,
): Promise<Figure[]> {
  const prefix = `${snapshotName(snapshot)} ${report}`;
  const starts = [`${prefix} ${from ?? ''}`, ...(after ? [figureName({ snapshot, report, ...after })] : [])];
  const before = to === undefined ? `${prefix}${afterSpace}` : `${prefix} ${to}${afterSpace}`;
  const found = await reads.find(figureKind, { after: starts.sort().at(-1), before, limit });
  return found.map(figureIn);
}

/** Returns the figures of a group, largest first. */
export async function largestFigures(
  reads: Reads,
  snapshot: number,
  report: Report,
  group: string,
  limit: number,
): Promise<Figure[]> {
  const prefix = `${snapshotName(snapshot)} ${report} ${group}`;
  const range = { by: 'rank', after: `${prefix} `, before: `${prefix}${afterSpace}`, limit };
  return (await reads.find(figureKind, range)).map(figureIn);
}

/** Compares a snapshot's next `limit` figures with another's. No `last` means that none were left. */
export async function compareFigures(
  reads: Reads,
  snapshot: number,
  other: number,
  limit: number,
  after?: Figure,
): Promise<{ equal: boolean; last?: Figure }> {
  const prefix = snapshotName(snapshot);
  const start = after ? figureName({ snapshot, ...after }) : `${prefix} `;
  const range = { after: start, before: `${prefix}${afterSpace}`, limit };
  const figures = (await reads.find(figureKind, range)).map(figureIn);
  const nameInOther = (figure: Figure) => figureName({ ...figure, snapshot: other });
  const others = await reads.get(figureKind, figures.map(nameInOther));
  const sums = new Map(others.map((found) => [found.name, sumsIn(found)]));
  // A figure whose sums are zero equals a figure that does not exist.
  const equal = figures.every((figure) => isSame(figure.sums, sums.get(nameInOther(figure)) ?? [0, 0]));
  return { equal, last: figures.at(-1) };
}

/**
 * Counts events into snapshots, within a transaction.
 *
 * @returns the events that cannot be counted, by id
 */
export async function countEvents(
  step: Step,
  events: ReportedEvent[],
  snapshots: number[],
): Promise<Map<string, RejectedEvent>> {
  const known = nothingKnown();
  for (;;) {
    const result = draft(events, snapshots, known);
    if (result.missing.figures.size + result.missing.states.size === 0) {
      save(step, result.changed);
      return result.rejected;
    }
    await load(step, known, result.missing);
  }
}

/** Loads the figures and states that the draft does not have yet, and remembers which do not exist. */
async function load(reads: Reads, known: Known, { figures, states }: Draft['missing']): Promise<void> {
  const [foundFigures, foundStates] = await Promise.all([
    reads.get(figureKind, [...figures]),
    reads.get(stateKind, [...states]),
  ]);
  for (const name of figures) known.figures.set(name, undefined);
  for (const name of states) known.states.set(name, undefined);
  for (const found of foundFigures) known.figures.set(found.name, sumsIn(found));
  for (const { name, state } of foundStates) known.states.set(name, JSON.parse(String(state)));
}

function save(step: Step, { figures, states }: Known): void {
  for (const [name, [first, second] = [0, 0]] of figures) {
    step.save(figureKind, name, { first, second, rank: rankName(name, first) }, ['rank']);
  }
  for (const [name, state] of states) step.save(stateKind, name, { state: JSON.stringify(state) });
}

/** Deletes all figures and states of older snapshots, in batches. */
export async function dropFiguresBefore(
  store: DatastoreStore,
  snapshot: number,
  batchSize: number,
): Promise<void> {
  for (const kind of [figureKind, stateKind]) {
    for (;;) {
      const range = { before: snapshotName(snapshot), limit: batchSize, namesOnly: true };
      const found = await store.find(kind, range);
      if (found.length === 0) break;
      const names = found.map(({ name }) => name);
      await store.transaction(async (step) => step.remove(kind, names));
    }
  }
}

function figureIn(found: Found): Figure {
  return { ...keyIn(found.name), sums: sumsIn(found) };
}

/** Stored sums are always safe integers, because `add` rejects larger ones. */
function sumsIn({ first, second }: Found): Sums {
  return [Number(first), Number(second)];
}

function isSame(a: Sums, b: Sums): boolean {
  return a[0] === b[0] && a[1] === b[1];
}
