import { createMetrics } from '@slipway/platform/telemetry/metrics';
import { seriesValue } from '@slipway/platform/testing/metrics';
import { describe, expect, it } from 'vitest';
import { createCounts } from './counts.ts';
import { planOf } from './plans.ts';
import { start } from './subscriptions.ts';
import { openForTest, stores } from './testing/stores.ts';
import { type Recorder, record } from './usage-recording.ts';

const at = '2026-02-05T00:00:00.000Z';
const usage = (id: string, quantity = 1, metric = 'api_calls') => ({
  ...{ id, subscriptionId: 's1', metric, quantity, at },
});

describe.each(stores)('recording usage, on $name', ({ newSettings }) => {
  async function newRecorder(mayRecord = () => true) {
    const store = await openForTest(newSettings());
    await store.subscriptions.add(start('s1', 'u1', planOf('starter'), '2026-01-31T10:00:00.000Z'));
    const metrics = createMetrics('billing', 'test');
    const clock = { now: () => '2026-02-10T00:00:00.000Z', tolerance: 300_000 };
    const recorder: Recorder = { ...store, clock, counts: createCounts(metrics), mayRecord };
    const counted = (outcome: string) => seriesValue(metrics, 'billing_usage_records_total', { outcome });
    return { recorder, store, counted };
  }

  it('returns the outcome of each record in order, and counts them', async () => {
    const { recorder, store, counted } = await newRecorder();
    await record(recorder, [usage('known')]);
    const batch = [usage('new'), usage('coffee', 1, 'coffee'), usage('known'), usage('known', 2)];
    const outcomes = await record(recorder, batch);
    expect(outcomes).toMatchObject([
      'added',
      { fields: [{ field: 'body.metric' }] },
      'duplicate',
      {
        code: 'conflict',
        message: 'The id known was used for a record with other content',
        fields: [{ field: 'body.id', message: 'was used for a record with other content' }],
      },
    ]);
    expect(await Promise.all(['added', 'duplicate', 'refused'].map(counted))).toEqual([2, 1, 2]);
    expect(await store.usage.totals('s1')).toMatchObject([{ quantity: 2, records: 2 }]);
  });

  it('rejects a record that makes the sum of its subscription too large', async () => {
    const { recorder } = await newRecorder();
    const outcomes = await record(recorder, [usage('all', Number.MAX_SAFE_INTEGER), usage('one')]);
    expect(outcomes).toMatchObject([
      'added',
      {
        code: 'sum_too_large',
        fields: [{ field: 'body.quantity' }],
        message: expect.stringContaining('sum of api_calls'),
      },
    ]);
  });

  it('rejects a record of a subscription that its caller may not see', async () => {
    const { recorder } = await newRecorder(() => false);
    expect(await record(recorder, [usage('a')])).toMatchObject([
      { fields: [{ field: 'body.subscriptionId' }] },
    ]);
  });

  it('fails as a whole for an error that is no rejection', async () => {
    const { recorder } = await newRecorder();
    const invalid = { ...usage('a'), at: 'never' };
    await expect(record(recorder, [invalid])).rejects.toThrow(RangeError);
  });
});
