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

/** Loaded data by name. The value of a name that does not exist in the store is `undefined`. */
export type Known = {
  figures: Map<string, Sums | undefined>;
  states: Map<string, SubscriptionState | undefined>;
};

export const nothingKnown = (): Known => ({ figures: new Map(), states: new Map() });

/** The changes of some events. They are valid only if no data is missing; otherwise load that data and draft again. */
export type Draft = {
  changed: Known;
  missing: { figures: Set<string>; states: Set<string> };
  /** The events that cannot be counted, by id. They change nothing. */
  rejected: Map<string, RejectedEvent>;
};

/**
 * Counts events into snapshots, in order and without I/O, so that a figure that many events change is written once.
 *
 * @param known the data that was loaded so far
 */
export function draft(events: ReportedEvent[], snapshots: number[], known: Known): Draft {
  const result: Draft = {
    changed: nothingKnown(),
    missing: { figures: new Set(), states: new Set() },
    rejected: new Map(),
  };
  for (const event of events) {
    try {
      const changes = changesOf(event, snapshots, known, result);
      // Merged only now, because an event that was rejected halfway must change nothing.
      for (const [name, sums] of changes.figures) result.changed.figures.set(name, sums);
      for (const [name, state] of changes.states) result.changed.states.set(name, state);
    } catch (error) {
      if (!(error instanceof RejectedEvent)) throw error;
      result.rejected.set(event.id, error);
    }
  }
  return result;
}

function changesOf(
  event: ReportedEvent,
  snapshots: number[],
  known: Known,
  { changed, missing }: Draft,
): Known {
  const changes = nothingKnown();
  const figure = reader([changes.figures, changed.figures, known.figures], missing.figures);
  const state = reader([changes.states, changed.states, known.states], missing.states);
  const subscription = subscriptionIn(event);
  for (const snapshot of snapshots) {
    const nameOfState = subscription && stateName(snapshot, subscription);
    const counted = count(event, nameOfState ? state(nameOfState) : undefined);
    for (const { sums, ...key } of counted.increments) {
      const name = figureName({ snapshot, ...key });
      changes.figures.set(name, add(figure(name) ?? [0, 0], sums));
    }
    if (nameOfState && counted.state) changes.states.set(nameOfState, counted.state);
  }
  return changes;
}

/** Makes a function that reads a name from the first layer that has it. A name that no layer has is added to `missing`. */
function reader<T>(layers: Map<string, T | undefined>[], missing: Set<string>) {
  return (name: string): T | undefined => {
    const layer = layers.find((each) => each.has(name));
    if (!layer) missing.add(name);
    return layer?.get(name);
  };
}
