import { expect, it } from 'vitest';
import { readDurations } from './first-requests.ts';

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
