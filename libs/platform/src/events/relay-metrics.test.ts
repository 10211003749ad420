import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createMetrics } from '../telemetry/metrics.ts';
import { seriesValue } from '../testing/metrics.ts';
import { createRelayMetrics } from './relay-metrics.ts';

const now = Date.parse('2026-01-01T00:00:00Z');

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now });
});
afterEach(() => {
  vi.useRealTimers();
});

/** The metrics of an outbox with two events, the older of them of a minute ago. */
function measure() {
  const metrics = createMetrics('test', '0');
  const backlog = vi.fn(async () => ({ depth: 2, oldestAt: new Date(now - 60_000).toISOString() }));
  const outbox = { backlog, onAdded: vi.fn(), pending: vi.fn(), delivered: vi.fn() };
  const read = async () => [
    await seriesValue(metrics, 'outbox_events_waiting'),
    await seriesValue(metrics, 'outbox_oldest_event_age_seconds'),
  ];
  return { ...createRelayMetrics(metrics, outbox), backlog, read };
}

it('counts an outbox at most every 5 seconds', async () => {
  const { count, backlog } = measure();
  await count();
  vi.setSystemTime(now + 4_999);
  await count();
  expect(backlog).toHaveBeenCalledTimes(1);
  vi.setSystemTime(now + 5_000);
  await count();
  expect(backlog).toHaveBeenCalledTimes(2);
});

it('reports an age that grows between two counts, and is never negative', async () => {
  const { count, read } = measure();
  await count();
  expect(await read()).toEqual([2, 60]);
  vi.setSystemTime(now + 1_000);
  expect(await read()).toEqual([2, 61]);
  vi.setSystemTime(now - 3_600_000);
  expect(await read()).toEqual([2, 0]);
});

it('reports an outbox without events as empty, without counting', async () => {
  const { count, setEmpty, backlog, read } = measure();
  expect(await read()).toEqual([0, 0]);
  await count();
  setEmpty();
  expect(await read()).toEqual([0, 0]);
  expect(backlog).toHaveBeenCalledOnce();
});
