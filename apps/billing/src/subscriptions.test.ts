import { describe, expect, it } from 'vitest';
import { planOf } from './plans.ts';
import { advance, cancel, changePlan, endOf, start } from './subscriptions.ts';

const began = '2026-01-31T10:00:00.000Z';
const started = () => start('s1', 'u1', planOf('starter'), began).next;
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
    const change = changePlan(started(), planOf('pro'));
    expect(change?.next).toEqual({ ...started(), planId: 'pro', version: 2 });
    expect(change?.events[0]).toMatchObject({
      type: 'subscription.changed',
      data: { price: 9_900, version: 2 },
    });
  });

  it('does nothing if it is the same plan', () => {
    expect(changePlan(started(), planOf('starter'))).toBeUndefined();
  });

  it('is refused into another currency', () => {
    expect(() => changePlan(started(), planOf('pro-usd'))).toThrow(
      expect.objectContaining({ code: 'currency_differs' }),
    );
  });

  it('is refused after the end', () => {
    expect(() => changePlan(cancelledAt('2026-02-01T00:00:00.000Z'), planOf('pro'))).toThrow(
      expect.objectContaining({ code: 'subscription_ended' }),
    );
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
