import { expect, it } from 'vitest';
import { firstColumns, readDurations, rowOf } from './first-requests.ts';

const line = (method: string, route: string, ms: number, msg = 'request') =>
  JSON.stringify({ level: 'info', method, route, status: 200, ms, msg });

it('reads the durations of requests from a log, without those that last as long as their client wants', () => {
  const log = [
    line('GET', '/api/v1/plans', 1.5),
    line('POST', '/api/v1/usage', 5_000),
    line('POST', '/api/v1/usage/import', 6_000),
    line('GET', '/api/v1/subscriptions/:subscriptionId/usage', 2),
    line('GET', '/api/v1/plans', 9, 'call'),
    '',
  ];
  expect(readDurations(log.join('\n'))).toEqual([1.5, 2]);
});

it('compares the first 500 requests of a pod with its slowest later ones, and with its last', () => {
  const pod = [...Array(500).fill(6), ...Array(500).fill(2), ...Array(500).fill(9), ...Array(700).fill(3)];
  const row = rowOf('gateway', pod);
  expect(row).toEqual(['gateway', '2200', '6.0', '9.0', '3.0', '2.0']);
  expect(row).toHaveLength(firstColumns.length);
});
