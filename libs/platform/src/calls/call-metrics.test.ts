import { describe, expect, it } from 'vitest';
import type { Logger } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { durationBuckets } from '../telemetry/request-metrics.ts';
import { seriesValue } from '../testing/metrics.ts';
import { measureCalls } from './call-metrics.ts';

function measure() {
  const metrics = createMetrics('test', '0');
  const lines: string[] = [];
  const line =
    (level: string) =>
    ({ upstream }: { upstream?: string }, text: string) =>
      void lines.push(`${level} ${upstream}: ${text}`);
  const log = { info: line('info'), warn: line('warn') } as unknown as Logger;
  const counts = measureCalls({ name: 'users', metrics, log });
  const value = (name: string, labels = {}) => seriesValue(metrics, name, { dependency: 'users', ...labels });
  const totals = () => metrics.totals.dependencies.get('users')?.view();
  return { counts, lines, value, totals };
}

describe('the metrics of calls', () => {
  it('are 0 before the first call', async () => {
    const { value } = measure();
    for (const reason of ['breaker', 'bulkhead', 'retry_budget']) {
      expect(await value('dependency_calls_rejected_total', { reason })).toBe(0);
    }
    expect(await value('dependency_call_retries_total')).toBe(0);
    expect(await value('dependency_breaker_state')).toBe(0);
  });

  it('count each reason for a rejection by itself', async () => {
    const { counts, value } = measure();
    counts.rejected.breaker.inc(1);
    counts.rejected.bulkhead.inc(2);
    counts.rejected.retryBudget.inc(3);
    const reasons = ['breaker', 'bulkhead', 'retry_budget'];
    const values = reasons.map((reason) => value('dependency_calls_rejected_total', { reason }));
    expect(await Promise.all(values)).toEqual([1, 2, 3]);
  });

  it('include the seconds that calls take, by operation and outcome', async () => {
    const { counts, value } = measure();
    counts.ended('getMe', 'ok', 250);
    counts.ended('getMe', 'ok', 500);
    counts.ended('getMe', '404', 1);
    const labels = { operation: 'getMe', outcome: 'ok' };
    expect(await value('dependency_call_duration_seconds_sum', labels)).toBe(0.75);
    expect(await value('dependency_call_duration_seconds_count', labels)).toBe(2);
  });

  it('add up the calls over all operations, and those of them that are failures of the upstream', () => {
    const { counts, totals } = measure();
    for (const outcome of ['ok', '404', '429', 'aborted']) counts.ended('getMe', outcome, 3);
    expect(totals()).toMatchObject({ count: 4, failed: 0 });
    for (const outcome of ['500', '504', 'unavailable']) counts.ended('logIn', outcome, 3);
    expect(totals()).toMatchObject({ count: 7, failed: 3 });
    const inBucket = durationBuckets.findIndex((bound) => bound >= 0.003);
    expect(totals()?.buckets[inBucket]).toBe(7);
  });

  it('include the state of the breaker, which is logged when it opens first and when it closes', async () => {
    const { counts, lines, value } = measure();
    const states = [];
    for (const state of ['open', 'half-open', 'open', 'half-open', 'closed', 'open'] as const) {
      counts.breakerChanged(state);
      states.push(await value('dependency_breaker_state'));
    }
    expect(states).toEqual([2, 1, 2, 1, 0, 2]);
    expect(lines).toEqual([
      'warn users: circuit breaker opened',
      'info users: circuit breaker closed',
      'warn users: circuit breaker opened',
    ]);
  });
});
