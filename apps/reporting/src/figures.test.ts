import { RejectedEvent } from '@slipway/platform/events/inbox';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { add, breakdownOf, count, dayOf, type ReportedEvent, type SubscriptionState } from './figures.ts';
import {
  cancelled,
  changed,
  deleted,
  eventStream,
  paid,
  refunded,
  signedUp,
  started,
  used,
} from './testing/events.ts';

const at = '2026-03-31T23:30:00Z';

describe('an event', () => {
  it('counts a sign-up and a deletion on its day', () => {
    expect(count(signedUp({ at })).increments).toEqual([
      { report: 'signUps', group: '2026-03-31', breakdown: '', sums: [1, 0] },
    ]);
    expect(count(deleted({ at })).increments).toEqual([
      { report: 'signUps', group: '2026-03-31', breakdown: '', sums: [0, 1] },
    ]);
  });

  it('counts a payment and a refund by day, plan and currency', () => {
    const money = { planId: 'pro', currency: 'EUR', amount: 4900 };
    expect(count(paid({ at, ...money })).increments).toEqual([
      { report: 'revenue', group: '2026-03-31', breakdown: breakdownOf('pro', 'EUR'), sums: [4900, 0] },
    ]);
    expect(count(refunded({ at, ...money })).increments).toEqual([
      { report: 'revenue', group: '2026-03-31', breakdown: breakdownOf('pro', 'EUR'), sums: [0, 4900] },
    ]);
  });

  it('counts usage by metric, subscription and user', () => {
    expect(
      count(used({ metric: 'calls', subscriptionId: 's1', userId: 'u1', quantity: 70, records: 3 }))
        .increments,
    ).toEqual([{ report: 'usage', group: 'calls', breakdown: breakdownOf('s1', 'u1'), sums: [70, 3] }]);
  });

  it('adds nothing to a figure if no money has moved', () => {
    const { data } = paid({});
    const none: ReportedEvent[] = [
      { ...paid({}), type: 'payment.declined', data },
      { ...paid({}), type: 'invoice.issued', data: { ...data, periodStart: at, periodEnd: at } },
    ];
    expect(none.flatMap((event) => count(event).increments)).toEqual([]);
  });

  it('belongs to its day in UTC, whatever the offset of its time', () => {
    expect(dayOf('2026-01-01T00:30:00+02:00')).toBe('2025-12-31');
    expect(dayOf('2025-12-31T23:30:00-01:00')).toBe('2026-01-01');
  });

  it.each(['2026-06-30T23:59:60Z', '0000-01-01T00:00:00+01:00'])(
    'is rejected at %s, which has no calendar day',
    (time) => {
      expect(() => dayOf(time)).toThrow(new RejectedEvent(`the time ${time} cannot be reported on`));
    },
  );
});

describe('a subscription', () => {
  const basic = { planId: 'basic', currency: 'EUR', price: 900 };
  const pro = { planId: 'pro', currency: 'EUR', price: 4900 };
  const known: SubscriptionState = { version: 2, eventId: 'b', active: true, ...basic };

  it('adds itself and its price when it starts', () => {
    const event = started({ version: 1, ...basic });
    expect(count(event)).toEqual({
      increments: [{ report: 'recurring', group: 'basic', breakdown: 'EUR', sums: [1, 900] }],
      state: { version: 1, eventId: event.id, active: true, ...basic },
    });
  });

  it('moves from its old plan to the new one when it changes', () => {
    expect(count(changed({ version: 3, ...pro }), known).increments).toEqual([
      { report: 'recurring', group: 'basic', breakdown: 'EUR', sums: [-1, -900] },
      { report: 'recurring', group: 'pro', breakdown: 'EUR', sums: [1, 4900] },
    ]);
  });

  it('is subtracted when it ends', () => {
    const { increments, state } = count(cancelled({ version: 3, ...basic }), known);
    expect(increments).toEqual([{ report: 'recurring', group: 'basic', breakdown: 'EUR', sums: [-1, -900] }]);
    expect(state?.active).toBe(false);
  });

  it('subtracts nothing if its cancellation is the first event that arrives', () => {
    expect(count(cancelled({ version: 2, ...basic })).increments).toEqual([]);
  });

  it('is not changed by an event older than its known state', () => {
    expect(count(changed({ version: 1, ...pro }), known)).toEqual({ increments: [] });
  });

  it('is not changed by the event that it is known from', () => {
    expect(count(changed({ id: 'b', version: 2, ...basic }), known)).toEqual({ increments: [] });
  });

  it('takes the event with the greater id if two have the same version', () => {
    expect(count(changed({ id: 'a', version: 2, ...pro }), known)).toEqual({ increments: [] });
    expect(count(changed({ id: 'c', version: 2, ...pro }), known).state?.planId).toBe('pro');
  });
});

describe('a sum', () => {
  it('can be any safe integer', () => {
    expect(add([1, 2], [3, -4])).toEqual([4, -2]);
    expect(add([Number.MAX_SAFE_INTEGER - 1, 0], [1, 0])).toEqual([Number.MAX_SAFE_INTEGER, 0]);
  });

  it.each([
    [[Number.MAX_SAFE_INTEGER, 0] as const, [1, 0] as const],
    [[0, Number.MIN_SAFE_INTEGER] as const, [0, -1] as const],
  ])('is rejected if it would be rounded', (sums, more) => {
    expect(() => add(sums, more)).toThrow(new RejectedEvent('a sum would exceed 2^53 - 1'));
  });
});

describe('a stream of events', () => {
  /** Returns the figures after the events are applied in this order, each once by its id. */
  function figuresAfter(events: ReportedEvent[]): Map<string, readonly [number, number]> {
    const figures = new Map<string, readonly [number, number]>();
    const states = new Map<string, SubscriptionState>();
    const seen = new Set<string>();
    for (const event of events) {
      if (seen.has(event.id)) continue;
      seen.add(event.id);
      const id = 'subscriptionId' in event.data ? event.data.subscriptionId : '';
      const { increments, state } = count(event, states.get(id));
      if (state) states.set(id, state);
      for (const { report, group, breakdown, sums } of increments) {
        const name = breakdownOf(report, group, breakdown);
        figures.set(name, add(figures.get(name) ?? [0, 0], sums));
      }
    }
    return new Map([...figures].filter(([, [first, second]]) => first !== 0 || second !== 0).sort());
  }

  it('results in the same figures in any order, however often each event is delivered', () => {
    const twoDeliveries = eventStream.chain((events) =>
      fc.record({
        events: fc.constant(events),
        delivered: fc.shuffledSubarray([...events, ...events, ...events], {
          minLength: events.length * 3,
        }),
      }),
    );
    fc.assert(
      fc.property(twoDeliveries, ({ events, delivered }) => {
        expect(figuresAfter(delivered)).toEqual(figuresAfter(events));
      }),
    );
  });
});
