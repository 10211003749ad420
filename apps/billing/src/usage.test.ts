import { describe, expect, it } from 'vitest';
import { planOf } from './plans.ts';
import { advance, cancel, end, start } from './subscriptions.ts';
import { admit, usageEvents } from './usage.ts';

const subscription = start('s1', 'u1', planOf('starter'), '2026-01-31T10:00:00.000Z').next;
const clock = { now: () => '2026-02-10T00:00:00.000Z', tolerance: 300_000 };
const at = '2026-02-05T00:00:00.000Z';
const record = { id: 'r1', subscriptionId: 's1', metric: 'api_calls', quantity: 7, at };
const ended = end(subscription, '2026-02-09T00:00:00.000Z')?.next ?? subscription;
const none = { usage: [] };
const refused = (code: string, field: string, message: string) =>
  expect.objectContaining({
    code,
    message: `body.${field} ${message}`,
    fields: [{ field: `body.${field}`, message }],
  });

describe('a usage record', () => {
  it('is admitted to the period that its time falls into', () => {
    expect(admit(record, subscription, clock)).toEqual({ ...record, userId: 'u1', period: 1 });
    const second = advance(subscription, none, at).next;
    expect(admit(record, second, clock).period).toBe(1);
    const future = { ...clock, tolerance: 100 * 86_400_000 };
    expect(admit({ ...record, at: '2026-03-01T00:00:00.000Z' }, second, future).period).toBe(2);
    expect(admit({ ...record, at: '2026-04-01T00:00:00.000Z' }, second, future).period).toBe(3);
  });

  it('at the end of the open period belongs to the next one', () => {
    const future = { ...clock, tolerance: 100 * 86_400_000 };
    const periodAt = (time: string) => admit({ ...record, at: time }, subscription, future).period;
    expect(periodAt('2026-02-28T09:59:59.999Z')).toBe(1);
    expect(periodAt(subscription.periodEnd)).toBe(2);
  });

  it('is kept with its time in UTC, so that a repetition in another zone is the same', () => {
    expect(admit({ ...record, at: '2026-02-05T01:00:00+01:00' }, subscription, clock).at).toBe(at);
  });

  it('is refused for a subscription that the caller does not have', () => {
    expect(() => admit(record, undefined, clock)).toThrow(
      refused('not_found', 'subscriptionId', 'is not a subscription of the caller'),
    );
  });

  it('is refused for a metric that the plan does not meter', () => {
    expect(() => admit({ ...record, metric: 'coffee' }, subscription, clock)).toThrow(
      refused('unknown_metric', 'metric', 'must be one of api_calls, storage_gb_hours'),
    );
  });

  it('is refused for a time before the subscription, but for what clocks may differ', () => {
    const { startedAt } = subscription;
    const before = (ms: number) => new Date(Date.parse(startedAt) - ms).toISOString();
    expect(admit({ ...record, at: startedAt }, subscription, clock).period).toBe(1);
    expect(admit({ ...record, at: before(300_000) }, subscription, clock)).toMatchObject({
      at: startedAt,
      period: 1,
    });
    expect(() => admit({ ...record, at: before(300_001) }, subscription, clock)).toThrow(
      refused('invalid_request', 'at', `is before the subscription began at ${startedAt}`),
    );
  });

  it('is refused for a time to come, but for what clocks may differ', () => {
    const ahead = (minutes: number) => new Date(Date.parse(clock.now()) + minutes * 60_000).toISOString();
    expect(admit({ ...record, at: ahead(5) }, subscription, clock)).toBeDefined();
    expect(() => admit({ ...record, at: ahead(6) }, subscription, clock)).toThrow(
      refused('invalid_request', 'at', 'must not be in the future'),
    );
  });

  it('may come late for a time before the end, also after the last invoice, and not for a time after it', () => {
    for (const subscription of [ended, advance(ended, none, at).next]) {
      expect(admit(record, subscription, clock)).toBeDefined();
      expect(() => admit({ ...record, at: '2026-02-09T00:00:00.000Z' }, subscription, clock)).toThrow(
        expect.objectContaining({ code: 'subscription_ended' }),
      );
    }
  });

  it('is admitted after a cancellation until the subscription ends', () => {
    const cancelled = cancel(subscription, '2026-02-01T00:00:00.000Z')?.next ?? subscription;
    expect(admit(record, cancelled, clock)).toBeDefined();
  });
});

describe('the events of usage', () => {
  it('are one for each subscription and metric of a batch', () => {
    const one = admit(record, subscription, clock);
    const added = [
      one,
      { ...one, quantity: 3 },
      { ...one, metric: 'storage' },
      { ...one, subscriptionId: 's2' },
    ];
    const events = usageEvents(added);
    expect(events[0]).toMatchObject({ source: 'billing', type: 'usage.recorded' });
    expect(events.map(({ data }) => data)).toEqual([
      { subscriptionId: 's1', userId: 'u1', metric: 'api_calls', quantity: 10, records: 2 },
      { subscriptionId: 's1', userId: 'u1', metric: 'storage', quantity: 7, records: 1 },
      { subscriptionId: 's2', userId: 'u1', metric: 'api_calls', quantity: 7, records: 1 },
    ]);
  });

  it('are none for an empty batch', () => {
    expect(usageEvents([])).toEqual([]);
  });
});
