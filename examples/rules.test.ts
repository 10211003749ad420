import { describe, expect, it } from 'vitest';
import { countsIn, errorRatio, isFiring } from './06-measure/alert.ts';
import { draw, type Span } from './07-trace/collector.ts';
import { desiredReplicas } from './09-discovery/autoscaler.ts';

describe('the alert of lesson 6', () => {
  it('counts the responses of all routes, and those with a 5xx as failed', () => {
    const line = (status: number, count: number) =>
      `http_server_request_duration_seconds_count{method="GET",route="/",status="${status}"} ${count}`;
    expect(countsIn([line(200, 95), line(404, 2), line(500, 3)].join('\n'))).toEqual({ all: 100, failed: 3 });
  });

  it('fires only if both windows are above the burn rate', () => {
    const ratio = errorRatio({ all: 100, failed: 0 }, { all: 200, failed: 5 });
    expect(ratio).toBe(0.05);
    expect([isFiring(ratio, ratio), isFiring(ratio, 0), isFiring(0, ratio)]).toEqual([true, false, false]);
  });
});

describe('the tree of lesson 7', () => {
  it('has each span under the one that caused it', () => {
    const span = (id: string, parentId?: string): Span => ({
      ...{ traceId: 't', id, parentId, name: id, timestamp: 0, duration: 2_000 },
      localEndpoint: { serviceName: 'shop' },
    });
    expect(draw([span('b', 'a'), span('a')])).toEqual(['shop: a, 2 ms', '  shop: b, 2 ms']);
  });
});

describe('the autoscaler of lesson 9', () => {
  it('starts as many replicas as the load needs, but at least one and at most four', () => {
    expect([0, 10, 11, 35, 1_000].map(desiredReplicas)).toEqual([1, 1, 2, 4, 4]);
  });
});
