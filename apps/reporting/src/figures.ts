import type { DomainEvent } from '@slipway/contract-kit/event';
import type { EventData, EventType } from '@slipway/contracts/events';
import { RejectedEvent } from '@slipway/platform/events/inbox';

/** An event that the inbox has validated, so that its type determines its data. */
export type ReportedEvent = { [T in EventType]: DomainEvent<EventData<T>> & { type: T } }[EventType];

/**
 * The reports, and what their figures consist of:
 *
 * | report      | group  | breakdown          | sums                                  |
 * | ----------- | ------ | ------------------ | ------------------------------------- |
 * | `revenue`   | day    | plan, currency     | paid, refunded                        |
 * | `recurring` | plan   | currency           | active subscriptions, monthly revenue |
 * | `signUps`   | day    | –                  | signed up, deleted                    |
 * | `usage`     | metric | subscription, user | quantity, records                     |
 */
export type Report = 'revenue' | 'recurring' | 'signUps' | 'usage';

export type Sums = readonly [number, number];

/** A pair of sums of one group and breakdown. */
export type Figure = {
  report: Report;
  /** The value that the report selects figures by. */
  group: string;
  /** The values that distinguish the figures of a group, joined by `breakdownOf`. */
  breakdown: string;
  sums: Sums;
};

/** The sums that one event adds to a figure. Additions commute, so events may be delivered in any order. */
export type Increment = Figure;

/** The newest known state of a subscription. */
export type SubscriptionState = {
  version: number;
  /** Of two events with the same version the greater id wins, so that the order of delivery does not matter. */
  eventId: string;
  active: boolean;
  planId: string;
  currency: string;
  price: number;
};

/** The position of a figure in its report, which is sorted by group and breakdown. */
export type FigurePosition = Pick<Figure, 'group' | 'breakdown'>;

/**
 * Stores figures. They belong to a snapshot, which is one complete set of figures: reports read the current snapshot
 * while a rebuild counts into a new one.
 */
export type FigureStore = {
  /** Returns a report's figures after `after` whose group is between `from` and `to`, sorted by group and breakdown. */
  figures(
    report: Report,
    range: { from?: string; to?: string },
    limit: number,
    after?: FigurePosition,
  ): Promise<Figure[]>;
  /** Returns the figures of one group with the highest `sums[0]`, in descending order. */
  largest(report: Report, group: string, limit: number): Promise<Figure[]>;
  /**
   * Begins a new, empty snapshot and returns its number. From now on each new event is counted in both snapshots, so
   * that only events stored before must be counted again. An unfinished rebuild is abandoned.
   */
  beginRebuild(): Promise<number>;
  /**
   * Counts the next stored events into the new snapshot and returns their number; 0 when no event remains. A rebuild that
   * was interrupted can be continued by it, also on another replica.
   *
   * @throws {Problem} conflict if another rebuild has begun since, or counts into this snapshot at the same time.
   */
  recount(snapshot: number, limit: number): Promise<number>;
  /**
   * Makes the new snapshot the current one and returns whether the figures of both were equal.
   *
   * @throws {Problem} conflict if another rebuild has begun since.
   */
  finishRebuild(snapshot: number): Promise<boolean>;
};

/** No id contains the separator. */
const separator = '/';

export const breakdownOf = (...values: string[]): string => values.join(separator);

/** Returns the values that `breakdownOf` joined. */
export const valuesOf = (breakdown: string): string[] => breakdown.split(separator);

/** Returns the id of the subscription whose state is needed to count an event, if the event has one. */
export function subscriptionIn(event: ReportedEvent): string | undefined {
  return isSubscriptionEvent(event) ? event.data.subscriptionId : undefined;
}

/**
 * Decides how an event changes the figures.
 *
 * @param known the stored state of the event's subscription
 * @returns the sums to add, and the subscription's new state if the event is newer than the stored one
 * @throws {RejectedEvent} if the event's time has no calendar day
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

/** Returns what an event adds, if it does not depend on other events. */
function occurrence(event: Exclude<ReportedEvent, SubscriptionEvent>): Increment[] {
  switch (event.type) {
    case 'user.signed_up':
      return [{ report: 'signUps', group: dayOf(event.at), breakdown: '', sums: [1, 0] }];
    case 'user.deleted':
      return [{ report: 'signUps', group: dayOf(event.at), breakdown: '', sums: [0, 1] }];
    case 'payment.succeeded':
      return [money(event, [event.data.amount, 0])];
    case 'refund.succeeded':
      return [money(event, [0, event.data.amount])];
    case 'usage.recorded': {
      const { metric, subscriptionId, userId, quantity, records } = event.data;
      const breakdown = breakdownOf(subscriptionId, userId);
      return [{ report: 'usage', group: metric, breakdown, sums: [quantity, records] }];
    }
    case 'invoice.issued':
    case 'payment.declined':
    case 'job.succeeded':
      return [];
  }
}

function money({ at, data }: MoneyEvent, sums: Sums): Increment {
  return { report: 'revenue', group: dayOf(at), breakdown: breakdownOf(data.planId, data.currency), sums };
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
  return active
    ? [{ report: 'recurring', group: planId, breakdown: currency, sums: [sign, sign * price] }]
    : [];
}

/**
 * Returns the calendar day of a time in UTC.
 *
 * @example
 * dayOf('2026-01-01T00:30:00+02:00'); // '2025-12-31'
 */
export function dayOf(at: string): string {
  const time = new Date(at);
  // RFC 3339 allows leap seconds, which `Date` does not know. Days sort as text only with a year of four digits.
  const day = Number.isNaN(time.getTime()) ? undefined : time.toISOString().split('T', 1)[0];
  if (day?.length !== 10) throw new RejectedEvent(`the time ${at} cannot be reported on`);
  return day;
}

/**
 * Adds two pairs of sums.
 *
 * @throws {RejectedEvent} if a sum would not be exact (beyond 2^53 − 1)
 */
export function add([first, second]: Sums, [moreFirst, moreSecond]: Sums): Sums {
  const sums: Sums = [first + moreFirst, second + moreSecond];
  if (!sums.every(Number.isSafeInteger)) throw new RejectedEvent('a sum would exceed 2^53 - 1');
  return sums;
}
