import type { DomainEvent } from '@slipway/contract-kit/event';
import type { EventData, EventType } from '@slipway/contracts/events';
import { RefusedEvent } from '@slipway/platform/events/inbox';

/** An event after the inbox has checked it: its type tells its data. */
export type ReportedEvent = { [T in EventType]: DomainEvent<EventData<T>> & { type: T } }[EventType];

/**
 * What each report counts, as two sums, and what `part` and `key` of a figure hold in it:
 * - `revenue`: paid, refunded; by day | plan, currency
 * - `recurring`: active subscriptions, monthly revenue; by plan | currency
 * - `signUps`: signed up, deleted; by day
 * - `usage`: quantity, records; by metric | subscription, user
 */
export type Report = 'revenue' | 'recurring' | 'signUps' | 'usage';

export type Sums = readonly [number, number];

/** Two sums that grow with events. `part` is what a report selects by, `key` tells its figures apart. */
export type Figure = { report: Report; part: string; key: string; sums: Sums };

/** What one event adds to a figure. Additions commute, so the order of delivery does not matter. */
export type Increment = Figure;

/** The newest that is known of a subscription. */
export type SubscriptionState = {
  version: number;
  /** Decides between two events that claim the same version, so that any order of delivery ends alike. */
  eventId: string;
  active: boolean;
  planId: string;
  currency: string;
  price: number;
};

/** A place in the order of a report's figures. */
export type Place = Pick<Figure, 'part' | 'key'>;

/** Stores figures. */
export type FigureStore = {
  /** A report's figures in the order of part and key: those after `after`, and of parts in `from`..`to`. */
  figures(
    report: Report,
    range: { from?: string; to?: string },
    limit: number,
    after?: Place,
  ): Promise<Figure[]>;
  /** The figures of one part with the largest first sums. */
  largest(report: Report, part: string, limit: number): Promise<Figure[]>;
  /**
   * Begins a new, empty generation of figures. From here on `apply` counts in both, so that only events
   * stored before have to be counted again. A rebuild that has not finished is given up.
   */
  beginRebuild(): Promise<number>;
  /**
   * Counts the next stored events into the new generation, and tells how many: 0 when all are counted.
   *
   * @throws {Problem} conflict if another rebuild has begun since.
   */
  recount(generation: number, limit: number): Promise<number>;
  /**
   * Makes the new generation the running one and tells whether their figures were equal.
   *
   * @throws {Problem} conflict if another rebuild has begun since.
   */
  finishRebuild(generation: number): Promise<boolean>;
};

/** Separates the parts of a key; no id contains it. */
const separator = '/';

export const keyOf = (...parts: string[]): string => parts.join(separator);

/** The parts of a key, as many as the report has. */
export const partsOf = (key: string): string[] => key.split(separator);

/** The subscription whose state must be known to count an event, if it tells of one. */
export function subscriptionIn(event: ReportedEvent): string | undefined {
  return isSubscriptionEvent(event) ? event.data.subscriptionId : undefined;
}

/**
 * The rule by which an event changes the figures.
 *
 * @param known the newest state of the event's subscription, if it tells of one that is known
 * @returns what to add, and the subscription's new state if the event is newer than the known one
 * @throws {RefusedEvent} if its time is not one that a day can be told of
 */
export function count(
  event: ReportedEvent,
  known?: SubscriptionState,
): { increments: Increment[]; state?: SubscriptionState } {
  if (!isSubscriptionEvent(event)) return { increments: occurrence(event) };
  const state = stateIn(event);
  if (known && !isNewer(state, known)) return { increments: [] };
  return { increments: [...(known ? recurring(known, -1) : []), ...recurring(state, 1)], state };
}

/** What an event adds by having happened, whatever happened before or after. */
function occurrence(event: Exclude<ReportedEvent, SubscriptionEvent>): Increment[] {
  switch (event.type) {
    case 'user.signed_up':
      return [{ report: 'signUps', part: dayOf(event.at), key: '', sums: [1, 0] }];
    case 'user.deleted':
      return [{ report: 'signUps', part: dayOf(event.at), key: '', sums: [0, 1] }];
    case 'payment.succeeded':
      return [money(event, [event.data.amount, 0])];
    case 'refund.succeeded':
      return [money(event, [0, event.data.amount])];
    case 'usage.recorded': {
      const { metric, subscriptionId, userId, quantity, records } = event.data;
      return [
        { report: 'usage', part: metric, key: keyOf(subscriptionId, userId), sums: [quantity, records] },
      ];
    }
    case 'invoice.issued':
    case 'payment.declined':
      return [];
  }
}

function money({ at, data }: MoneyEvent, sums: Sums): Increment {
  return { report: 'revenue', part: dayOf(at), key: keyOf(data.planId, data.currency), sums };
}

type MoneyEvent = Extract<ReportedEvent, { type: 'payment.succeeded' | 'refund.succeeded' }>;
type SubscriptionEvent = Extract<ReportedEvent, { type: `subscription.${string}` }>;

function isSubscriptionEvent(event: ReportedEvent): event is SubscriptionEvent {
  return event.type.startsWith('subscription.');
}

function stateIn({ id, type, data }: SubscriptionEvent): SubscriptionState {
  const { version, planId, currency, price } = data;
  return { version, eventId: id, active: type !== 'subscription.cancelled', planId, currency, price };
}

function isNewer(state: SubscriptionState, known: SubscriptionState): boolean {
  if (state.version !== known.version) return state.version > known.version;
  return state.eventId > known.eventId;
}

function recurring({ active, planId, currency, price }: SubscriptionState, sign: 1 | -1): Increment[] {
  return active ? [{ report: 'recurring', part: planId, key: currency, sums: [sign, sign * price] }] : [];
}

/**
 * The calendar day of a moment in UTC.
 *
 * @example
 * dayOf('2026-01-01T00:30:00+02:00'); // '2025-12-31'
 */
export function dayOf(at: string): string {
  const moment = new Date(at);
  // A leap second fits RFC 3339 but not Date; years beyond four digits would not sort as text.
  const day = Number.isNaN(moment.getTime()) ? '' : moment.toISOString().split('T', 1)[0];
  if (day?.length !== 10) throw new RefusedEvent(`at ${at} is not a time that can be reported on`);
  return day;
}

/**
 * Adds to the sums of a figure.
 *
 * @throws {RefusedEvent} if a sum could not be told exactly any more (beyond 2^53 − 1)
 */
export function add([first, second]: Sums, [more, evenMore]: Sums): Sums {
  const sums: Sums = [first + more, second + evenMore];
  if (!sums.every(Number.isSafeInteger)) throw new RefusedEvent('a sum would exceed 2^53 - 1');
  return sums;
}
