import { RejectedEvent } from '@slipway/platform/events/inbox';
import {
  add,
  count,
  type ReportedEvent,
  type SubscriptionState,
  type Sums,
  subscriptionIn,
} from '../figures.ts';
import { figureName, stateName } from './figure-names.ts';

/** What is known by name. `undefined` is known to be absent; a name without an entry is not known. */
export type Known = {
  figures: Map<string, Sums | undefined>;
  states: Map<string, SubscriptionState | undefined>;
};

export const nothingKnown = (): Known => ({ figures: new Map(), states: new Map() });

/** What events change. It holds only if nothing is missing; otherwise these must be read first. */
export type Draft = {
  changed: Known;
  missing: { figures: Set<string>; states: Set<string> };
  /** Events that cannot be counted, by id; they have changed nothing. */
  rejected: Map<string, RejectedEvent>;
};

/**
 * Counts events, in their order and without I/O, into generations of figures: many of them into few figures.
 *
 * @param known what is stored, as far as it was read
 */
export function draft(events: ReportedEvent[], generations: number[], known: Known): Draft {
  const result: Draft = {
    changed: nothingKnown(),
    missing: { figures: new Set(), states: new Set() },
    rejected: new Map(),
  };
  for (const event of events) {
    try {
      const step = stepOf(event, generations, known, result);
      // Only now: an event that was rejected half-way has changed nothing.
      for (const [name, sums] of step.figures) result.changed.figures.set(name, sums);
      for (const [name, state] of step.states) result.changed.states.set(name, state);
    } catch (error) {
      if (!(error instanceof RejectedEvent)) throw error;
      result.rejected.set(event.id, error);
    }
  }
  return result;
}

function stepOf(
  event: ReportedEvent,
  generations: number[],
  known: Known,
  { changed, missing }: Draft,
): Known {
  const step = nothingKnown();
  const figure = reader([step.figures, changed.figures, known.figures], missing.figures);
  const state = reader([step.states, changed.states, known.states], missing.states);
  const subscription = subscriptionIn(event);
  for (const generation of generations) {
    const itsState = subscription && stateName(generation, subscription);
    const counted = count(event, itsState ? state(itsState) : undefined);
    for (const { sums, ...place } of counted.increments) {
      const name = figureName({ generation, ...place });
      step.figures.set(name, add(figure(name) ?? [0, 0], sums));
    }
    if (itsState && counted.state) step.states.set(itsState, counted.state);
  }
  return step;
}

/** Reads from the first layer that knows a name, and notes a name that none knows. */
function reader<T>(layers: Map<string, T | undefined>[], missing: Set<string>) {
  return (name: string): T | undefined => {
    const layer = layers.find((each) => each.has(name));
    if (!layer) missing.add(name);
    return layer?.get(name);
  };
}
