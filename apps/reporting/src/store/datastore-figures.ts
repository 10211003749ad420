import type { RejectedEvent } from '@slipway/platform/events/inbox';
import type { DatastoreStore, Found, Reads, Step } from '@slipway/store-datastore/entities';
import type { Figure, Place, Report, ReportedEvent, Sums } from '../figures.ts';
import { type Draft, draft, type Known, nothingKnown } from './draft.ts';
import { afterSpace, figureName, generationName, placeIn, rankName } from './figure-names.ts';

const figureKind = 'Figure';
const stateKind = 'Subscription';

type Span = { from?: string; to?: string; after?: Place };

/** A report's figures in the order of part and key. */
export async function listFigures(
  reads: Reads,
  generation: number,
  report: Report,
  { from, to, after }: Span,
  limit: number,
): Promise<Figure[]> {
  const all = `${generationName(generation)} ${report}`;
  const starts = [`${all} ${from ?? ''}`, ...(after ? [figureName({ generation, report, ...after })] : [])];
  const before = to === undefined ? `${all}${afterSpace}` : `${all} ${to}${afterSpace}`;
  const found = await reads.find(figureKind, { after: starts.sort().at(-1), before, limit });
  return found.map(figureIn);
}

/** The figures of a part, the largest first. */
export async function largestFigures(
  reads: Reads,
  generation: number,
  report: Report,
  part: string,
  limit: number,
): Promise<Figure[]> {
  const all = `${generationName(generation)} ${report} ${part}`;
  const range = { by: 'rank', after: `${all} `, before: `${all}${afterSpace}`, limit };
  return (await reads.find(figureKind, range)).map(figureIn);
}

/** Compares the next figures of a generation with those of another; `last` is absent after the end. */
export async function compareFigures(
  reads: Reads,
  generation: number,
  other: number,
  limit: number,
  after?: Figure,
): Promise<{ equal: boolean; last?: Figure }> {
  const all = generationName(generation);
  const start = after ? figureName({ generation, ...after }) : `${all} `;
  const range = { after: start, before: `${all}${afterSpace}`, limit };
  const figures = (await reads.find(figureKind, range)).map(figureIn);
  const nameInOther = (figure: Figure) => figureName({ ...figure, generation: other });
  const others = await reads.get(figureKind, figures.map(nameInOther));
  const sums = new Map(others.map((found) => [found.name, sumsIn(found)]));
  // A figure of zeros is the same as none.
  const equal = figures.every((figure) => isSame(figure.sums, sums.get(nameInOther(figure)) ?? [0, 0]));
  return { equal, last: figures.at(-1) };
}

/**
 * Counts events into generations, within a transaction.
 *
 * @returns by id the events that cannot be counted
 */
export async function countEvents(
  step: Step,
  events: ReportedEvent[],
  generations: number[],
): Promise<Map<string, RejectedEvent>> {
  const known = nothingKnown();
  for (;;) {
    const result = draft(events, generations, known);
    if (result.missing.figures.size + result.missing.states.size === 0) {
      save(step, result.changed);
      return result.rejected;
    }
    await learn(step, known, result.missing);
  }
}

/** Reads what a draft lacks. What is absent is known to be, afterwards. */
async function learn(reads: Reads, known: Known, { figures, states }: Draft['missing']): Promise<void> {
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

/** Deletes all that the generations before one hold, some at a time. */
export async function dropFiguresBefore(
  store: DatastoreStore,
  generation: number,
  batch: number,
): Promise<void> {
  for (const kind of [figureKind, stateKind]) {
    for (;;) {
      const range = { before: generationName(generation), limit: batch, namesOnly: true };
      const found = await store.find(kind, range);
      if (found.length === 0) break;
      const names = found.map(({ name }) => name);
      await store.transaction(async (step) => step.remove(kind, names));
    }
  }
}

function figureIn(found: Found): Figure {
  return { ...placeIn(found.name), sums: sumsIn(found) };
}

/** Integers that a JavaScript number cannot hold are never stored; the driver fails at reading one. */
function sumsIn({ first, second }: Found): Sums {
  return [Number(first), Number(second)];
}

function isSame(a: Sums, b: Sums): boolean {
  return a[0] === b[0] && a[1] === b[1];
}
