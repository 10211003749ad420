import type { EventData, EventType } from '@slipway/contracts/events';
import fc from 'fast-check';
import type { ReportedEvent } from '../figures.ts';

/** The values that a test does not set. */
const defaults = {
  userId: 'u1',
  subscriptionId: 's1',
  planId: 'basic',
  price: 900,
  amount: 900,
  currency: 'EUR',
  version: 1,
  invoiceId: 'i1',
  paymentId: 'p1',
  refundId: 'r1',
  metric: 'calls',
  quantity: 1,
  records: 1,
};

let made = 0;

const maker =
  <T extends EventType>(type: T) =>
  (values: Partial<EventData<T>> & { id?: string; at?: string }) => {
    const { id = `event-${++made}`, at = '2026-03-15T12:00:00Z', ...data } = values;
    return { id, type, at, source: 'test', data: { ...defaults, ...data } as unknown as EventData<T> };
  };

export const signedUp = maker('user.signed_up');
export const deleted = maker('user.deleted');
export const started = maker('subscription.started');
export const changed = maker('subscription.changed');
export const cancelled = maker('subscription.cancelled');
export const used = maker('usage.recorded');
export const paid = maker('payment.succeeded');
export const refunded = maker('refund.succeeded');

/** Generates events of few subscriptions, plans and days, so that many events change the same figure. */
export const eventStream: fc.Arbitrary<ReportedEvent[]> = fc
  .array(
    fc.record({
      make: fc.constantFrom<((values: object) => ReportedEvent)[]>(
        signedUp,
        deleted,
        started,
        changed,
        cancelled,
        used,
        paid,
        refunded,
      ),
      values: fc.record({
        at: fc.constantFrom('2026-03-31T23:30:00Z', '2026-04-01T00:30:00+02:00', '2026-04-01T01:00:00Z'),
        subscriptionId: fc.constantFrom('s1', 's2', 's3'),
        planId: fc.constantFrom('basic', 'pro'),
        currency: fc.constantFrom('EUR', 'USD'),
        version: fc.integer({ min: 1, max: 5 }),
        price: fc.integer({ min: 0, max: 10_000 }),
        amount: fc.integer({ min: 0, max: 1_000_000 }),
        quantity: fc.integer({ min: 0, max: 1_000_000 }),
        records: fc.integer({ min: 1, max: 500 }),
      }),
    }),
    { maxLength: 40 },
  )
  .map((events) => events.map(({ make, values }) => make(values)));
