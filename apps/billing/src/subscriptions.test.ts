import { describe, expect, it } from 'vitest';
import { planOf } from './plans.ts';
import {
  advance,
  cancel,
  changePlan,
  end,
  reopen,
  resume,
  type Subscription,
  start,
  withdraw,
} from './subscriptions.ts';
import { planFor } from './terms.ts';

const began = '2026-01-31T10:00:00.000Z';
const started = () => start('s1', 'u1', planOf('starter'), began).next;
const inFirst = '2026-02-10T00:00:00.000Z';
const secondStart = '2026-02-28T10:00:00.000Z';
const cancelledAt = (instant: string) => cancel(started(), instant)?.next ?? started();
const closed = (subscription: Subscription, now = secondStart) =>
  advance(subscription, { usage: [] }, now).next;
const moved = (subscription: Subscription, planId: string, now: string) =>
  changePlan(subscription, planOf(planId), now)?.next ?? subscription;
const plansOf = ({ terms }: Subscription) => [1, 2, 3, 4, 5].map((period) => planFor(terms, period).id);
const rejected = (code: string, message: string) => expect.objectContaining({ code, message });

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

  it('is reported with its price, under an id that is the same in a repetition', () => {
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
  it('leaves the period that has begun as it is, and is announced for the next', () => {
    const change = changePlan(started(), planOf('pro'), inFirst);
    expect(change?.next).toMatchObject({
      ...{ planId: 'starter', version: 2, dueAt: secondStart },
      nextPlan: { planId: 'pro', price: 9_900, startsAt: secondStart },
    });
    expect(plansOf(change?.next ?? started())).toEqual(['starter', 'pro', 'pro', 'pro', 'pro']);
    expect(change?.events).toEqual([]);
  });

  it('takes effect, and is reported, when the next period is opened', () => {
    const change = advance(moved(started(), 'pro', inFirst), { usage: [] }, secondStart);
    expect(change.next).toMatchObject({ planId: 'pro', nextPlan: undefined, version: 3 });
    expect(change.events).toMatchObject([
      { type: 'subscription.changed', data: { planId: 'pro', price: 9_900, version: 3 } },
    ]);
  });

  it('does nothing if it is the same plan', () => {
    expect(changePlan(started(), planOf('starter'), inFirst)).toBeUndefined();
    expect(changePlan(moved(started(), 'pro', inFirst), planOf('pro'), inFirst)).toBeUndefined();
  });

  it('counts as it was last asked for before the period began', () => {
    const back = moved(moved(moved(started(), 'free', inFirst), 'pro', inFirst), 'starter', inFirst);
    expect(back).toMatchObject({ planId: 'starter', nextPlan: undefined, terms: started().terms });
  });

  it('changes no period that has begun, however late its bill is made', () => {
    const march = moved(started(), 'pro', '2026-03-10T00:00:00.000Z');
    const may = moved(march, 'free', '2026-05-10T00:00:00.000Z');
    expect(plansOf(may)).toEqual(['starter', 'starter', 'pro', 'pro', 'free']);
  });

  it('changes no period that is billed, by a run with a clock ahead', () => {
    expect(plansOf(moved(closed(closed(started())), 'pro', inFirst)).slice(0, 3)).toEqual([
      ...['starter', 'starter', 'pro'],
    ]);
  });

  it('is rejected into another currency', () => {
    expect(() => changePlan(started(), planOf('pro-usd'), inFirst)).toThrow(
      expect.objectContaining({
        code: 'currency_differs',
        fields: [{ field: 'body.planId', message: 'must be a plan in EUR' }],
      }),
    );
  });

  it('is rejected after a cancellation', () => {
    expect(() => changePlan(cancelledAt('2026-02-01T00:00:00.000Z'), planOf('pro'), inFirst)).toThrow(
      rejected('subscription_ended', `The subscription is cancelled and ends at ${secondStart}`),
    );
  });
});

describe('a release that changes the catalogue', () => {
  const dearer = [{ ...planOf('starter'), price: 2_900 }];
  const priceOf = ({ terms }: Subscription, period: number) => planFor(terms, period).price;

  it('is agreed for the period after the one that has begun, with the next invoice', () => {
    const change = advance(started(), { usage: [] }, secondStart, dearer);
    expect([1, 2, 3].map((period) => priceOf(change.next, period))).toEqual([1_900, 1_900, 2_900]);
    const nextPlan = { planId: 'starter', price: 2_900, startsAt: '2026-03-31T10:00:00.000Z' };
    expect(change.next.nextPlan).toEqual(nextPlan);
    expect(change.events).toEqual([]);
    const third = advance(change.next, { usage: [] }, '2026-03-31T10:00:00.000Z', dearer);
    expect(third.events).toMatchObject([{ type: 'subscription.changed', data: { price: 2_900 } }]);
  });

  it('cannot be escaped by asking for the same plan, and leaves what was agreed for the next period', () => {
    const { next } = advance(started(), { usage: [] }, secondStart, dearer);
    expect(moved(next, 'starter', secondStart)).toEqual(next);
    const agreed = moved(closed(started()), 'pro', secondStart);
    const { next: later } = advance(agreed, { usage: [] }, '2026-03-31T10:00:00.000Z', [
      { ...planOf('pro'), price: 1 },
    ]);
    expect([3, 4].map((period) => priceOf(later, period))).toEqual([9_900, 1]);
    const { next: sooner } = advance(agreed, { usage: [] }, secondStart, [{ ...planOf('pro'), price: 1 }]);
    expect([3, 4].map((period) => priceOf(sooner, period))).toEqual([9_900, 1]);
  });

  it('changes nothing for a subscription that is cancelled', () => {
    expect(advance(cancelledAt(inFirst), { usage: [] }, secondStart, dearer).next.terms).toEqual(
      started().terms,
    );
  });

  it('without the plan leaves the subscription on its terms', () => {
    expect(advance(started(), { usage: [] }, secondStart, []).next.terms).toEqual(started().terms);
  });
});

describe('a cancellation', () => {
  it('makes the period that has begun the last one, due at its end', () => {
    const ended = cancelledAt('2026-02-10T00:00:00.000Z');
    expect(ended).toMatchObject({ status: 'cancelled', dueAt: secondStart, endsAt: secondStart, version: 2 });
  });

  it('is reported once, when the last period is billed', () => {
    const change = cancel(started(), '2026-02-10T00:00:00.000Z');
    expect(change?.events).toEqual([]);
    const last = advance(change?.next ?? started(), { usage: [] }, secondStart);
    expect(last.events).toMatchObject([{ type: 'subscription.cancelled', data: { version: 3 } }]);
    expect(cancel(last.next, '2026-03-11T00:00:00.000Z')).toBeUndefined();
  });

  it('leaves periods that have ended before to be billed first', () => {
    const ended = cancelledAt('2026-03-10T00:00:00.000Z');
    expect(ended).toMatchObject({ dueAt: secondStart, endsAt: '2026-03-31T10:00:00.000Z' });
    expect(closed(ended).dueAt).toBe('2026-03-31T10:00:00.000Z');
    expect(closed(closed(ended)).dueAt).toBeUndefined();
  });

  it('in the instant of the start owes the first period', () => {
    expect(cancelledAt(began)).toMatchObject({ dueAt: secondStart, endsAt: secondStart });
  });

  it('is reported at once if a run with a clock ahead has billed all that has begun', () => {
    const change = cancel(closed(started()), inFirst);
    expect(change).toMatchObject({
      next: { endsAt: secondStart },
      events: [{ type: 'subscription.cancelled' }],
    });
    expect(change?.next.dueAt).toBeUndefined();
    const back = change && resume(change.next, inFirst);
    expect(back).toMatchObject({ next: { dueAt: '2026-03-31T10:00:00.000Z' } });
    expect(back?.events).toMatchObject([{ type: 'subscription.changed' }]);
  });

  it('can be taken back until the subscription has ended', () => {
    const ended = cancelledAt('2026-02-10T00:00:00.000Z');
    const change = resume(ended, '2026-02-28T09:59:59.999Z');
    expect(change?.next).toEqual({ ...started(), version: 3 });
    expect(change?.events).toEqual([]);
    expect(resume(started(), inFirst)).toBeUndefined();
    expect(() => resume(ended, secondStart)).toThrow(
      rejected('subscription_ended', `The subscription ended at ${secondStart}`),
    );
  });
});

describe('the end for an account that is closed', () => {
  it('ends the period at once, which is due in full', () => {
    const change = end(started(), inFirst);
    expect(change?.next).toMatchObject({ status: 'cancelled', endsAt: inFirst, dueAt: inFirst });
    expect(closed(change?.next ?? started()).dueAt).toBeUndefined();
    expect(change && end(change.next, inFirst)).toBeUndefined();
    expect(change && end(change.next, secondStart)).toBeUndefined();
  });

  it('comes before that of a cancellation', () => {
    const ended = end(cancelledAt('2026-02-01T00:00:00.000Z'), inFirst)?.next;
    expect(ended).toMatchObject({ cancelledAt: '2026-02-01T00:00:00.000Z', endsAt: inFirst, dueAt: inFirst });
  });

  it('owes nothing if the account was closed while the subscription began', () => {
    const change = withdraw(started());
    expect(change?.next).toMatchObject({ status: 'cancelled', endsAt: began, dueAt: undefined });
    expect(change?.events).toMatchObject([{ type: 'subscription.cancelled' }]);
    expect(change && withdraw(change.next)).toBeUndefined();
  });
});

describe('the next period', () => {
  const usage = [{ metric: 'api_calls', quantity: 5, records: 2 }];
  const usageByPeriod = usage.map((total) => ({ period: 1, ...total }));

  it('is computed from the anchor, and knows what was billed', () => {
    const { next, events } = advance(started(), { usage, usageByPeriod }, secondStart);
    expect(next).toMatchObject({
      period: 2,
      periodStart: '2026-02-28T10:00:00.000Z',
      periodEnd: '2026-03-31T10:00:00.000Z',
      dueAt: '2026-03-31T10:00:00.000Z',
      version: 2,
      billed: usage,
      billedByPeriod: usageByPeriod,
    });
    expect(events).toEqual([]);
    const twice = advance(next, { usage, usageByPeriod }, secondStart).next;
    expect(twice.billed).toEqual([{ metric: 'api_calls', quantity: 10, records: 4 }]);
    expect(twice.billedByPeriod).toEqual([{ period: 1, metric: 'api_calls', quantity: 10, records: 4 }]);
  });

  it('of a subscription that has ended is due only for usage that arrived late', () => {
    const ended = closed(cancelledAt(inFirst));
    expect(reopen(ended, [])).toBeUndefined();
    const late = reopen(ended, usageByPeriod)?.next;
    expect(late).toMatchObject({ dueAt: secondStart, version: ended.version + 1 });
    expect(late && reopen(late, usageByPeriod)).toBeUndefined();
    expect(reopen(started(), usageByPeriod)).toBeUndefined();
  });
});
