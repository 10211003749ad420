import { describe, expect, it } from 'vitest';
import { planOf } from './plans.ts';
import { advance, cancel, changePlan, endOf, planIdOf, type Subscription, start } from './subscriptions.ts';

const began = '2026-01-31T10:00:00.000Z';
const started = () => start('s1', 'u1', planOf('starter'), began).next;
const inFirst = '2026-02-10T00:00:00.000Z';
const cancelledAt = (instant: string) => cancel(started(), instant)?.next ?? started();

describe('a new subscription', () => {
  it('opens its first period at once, which is due when it ends', () => {
    expect(started()).toMatchObject({
      status: 'active',
      version: 1,
      period: 1,
      periodStart: began,
      periodEnd: '2026-02-28T10:00:00.000Z',
      dueAt: '2026-02-28T10:00:00.000Z',
      billed: [],
    });
  });

  it('is told with its price, under an id that repeats with it', () => {
    const [told] = start('s1', 'u1', planOf('starter'), began).events;
    expect(told).toMatchObject({
      id: 'subscription.started:s1:1',
      type: 'subscription.started',
      data: {
        subscriptionId: 's1',
        userId: 'u1',
        planId: 'starter',
        price: 1_900,
        currency: 'EUR',
        version: 1,
      },
    });
  });
});

describe('a change of plan', () => {
  it('leaves the open period as it is and makes a new version', () => {
    const change = changePlan(started(), planOf('pro'), inFirst);
    expect(change?.next).toEqual({ ...started(), planId: 'pro', version: 2 });
    expect(change?.events[0]).toMatchObject({
      type: 'subscription.changed',
      data: { price: 9_900, version: 2 },
    });
  });

  it('does nothing if it is the same plan', () => {
    expect(changePlan(started(), planOf('starter'), inFirst)).toBeUndefined();
  });

  it('is refused into another currency', () => {
    expect(() => changePlan(started(), planOf('pro-usd'), inFirst)).toThrow(
      expect.objectContaining({ code: 'currency_differs' }),
    );
  });

  it('is refused after the end', () => {
    expect(() => changePlan(cancelledAt('2026-02-01T00:00:00.000Z'), planOf('pro'), inFirst)).toThrow(
      expect.objectContaining({ code: 'subscription_ended' }),
    );
  });
});

describe('the plan of a period', () => {
  const moved = (subscription: Subscription, planId: string, now: string) =>
    changePlan(subscription, planOf(planId), now)?.next ?? subscription;
  const closed = (subscription: Subscription) => advance(subscription, []).next;

  it('is the one that was in force when it ended, however often it is changed before the bill', () => {
    const first = moved(moved(started(), 'pro', inFirst), 'free', '2026-02-28T10:00:00.000Z');
    const second = moved(moved(first, 'pro', '2026-03-01T00:00:00.000Z'), 'free', '2026-03-02T00:00:00.000Z');
    expect(planIdOf(second)).toBe('pro');
    expect(second.planId).toBe('free');
    expect(planIdOf(closed(second))).toBe('free');
  });

  it('is kept for each of several that have ended, and forgotten once they are billed', () => {
    const march = moved(started(), 'pro', '2026-03-10T00:00:00.000Z');
    const may = moved(march, 'free', '2026-05-10T00:00:00.000Z');
    const periods = [may, closed(may), closed(closed(may)), closed(closed(closed(may)))];
    expect(periods.map(planIdOf)).toEqual(['starter', 'pro', 'pro', 'free']);
    expect(periods.at(-1)?.earlierPlans).toBeUndefined();
    expect(may.earlierPlans).toHaveLength(2);
  });

  it('stays when the subscription ends after it', () => {
    const ended = cancel(
      moved(started(), 'pro', '2026-03-10T00:00:00.000Z'),
      '2026-03-11T00:00:00.000Z',
    )?.next;
    expect(ended && [planIdOf(ended), planIdOf(closed(ended))]).toEqual(['starter', 'pro']);
  });

  it('is the present one if it ends later, or if it was billed before its end', () => {
    expect(moved(started(), 'pro', inFirst).earlierPlans).toBeUndefined();
    expect(planIdOf(moved(closed(started()), 'pro', inFirst))).toBe('pro');
  });
});

describe('a cancellation', () => {
  it('ends the open period, which is due at once', () => {
    const ended = cancelledAt('2026-02-10T00:00:00.000Z');
    expect(ended).toMatchObject({ status: 'cancelled', dueAt: '2026-02-10T00:00:00.000Z', version: 2 });
    expect(endOf(ended)).toBe('2026-02-10T00:00:00.000Z');
  });

  it('is told once', () => {
    const change = cancel(started(), '2026-02-10T00:00:00.000Z');
    expect(change?.events).toMatchObject([{ type: 'subscription.cancelled', data: { version: 2 } }]);
    expect(cancel(change?.next ?? started(), '2026-02-11T00:00:00.000Z')).toBeUndefined();
  });

  it('leaves a period that has ended before to be billed whole', () => {
    const ended = cancelledAt('2026-03-10T00:00:00.000Z');
    expect(endOf(ended)).toBe('2026-02-28T10:00:00.000Z');
    expect(ended.dueAt).toBe('2026-02-28T10:00:00.000Z');
  });

  it('in the instant of the start owes nothing', () => {
    expect(cancelledAt(began).dueAt).toBeUndefined();
  });
});

describe('the next period', () => {
  const billed = [{ metric: 'api_calls', quantity: 5, records: 2 }];

  it('is computed from the anchor, and remembers what was billed', () => {
    const { next, events } = advance(started(), billed);
    expect(next).toMatchObject({
      period: 2,
      periodStart: '2026-02-28T10:00:00.000Z',
      periodEnd: '2026-03-31T10:00:00.000Z',
      dueAt: '2026-03-31T10:00:00.000Z',
      version: 2,
      billed,
    });
    expect(events).toEqual([]);
    expect(advance(next, billed).next.billed).toEqual([{ metric: 'api_calls', quantity: 10, records: 4 }]);
  });

  it('of a subscription that ended within it is due at that end', () => {
    expect(advance(cancelledAt('2026-03-10T00:00:00.000Z'), []).next.dueAt).toBe('2026-03-10T00:00:00.000Z');
  });

  it('of a subscription that ended before it is never due', () => {
    expect(advance(cancelledAt('2026-02-10T00:00:00.000Z'), []).next.dueAt).toBeUndefined();
    expect(advance(cancelledAt('2026-02-28T10:00:00.000Z'), []).next.dueAt).toBeUndefined();
  });
});
