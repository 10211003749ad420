import type { Status } from '@slipway/platform/service/status';
import { describe, expect, it } from 'vitest';
import { createReplicaLog } from './replica-log.ts';

const buckets = (count: number) => [0, 0, 0, count, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/** The status of a process that has served so many requests of people, each in 10 to 25 ms. */
function statusOf(instance: string, count = 0, state: Status['state'] = 'ready'): Status {
  const totals = { count, failed: 0, buckets: buckets(count) };
  return {
    ...{ version: '1', state, ready: state === 'ready', upSeconds: 1 },
    dependencies: [{ name: 'cache', up: false }],
    activity: {
      ...{ instance, requests: totals, rejected: 0 },
      priorities: [
        { priority: 'money', served: { count: 0, failed: 0, buckets: buckets(0) }, rejected: 0 },
        { priority: 'interactive', served: totals, rejected: 2 * count },
      ],
      history: [{ state: 'starting', at: '2026-01-01T00:00:00.000Z' }],
      calls: [{ to: 'users', totals, breaker: 'closed', retriesLeft: 10 }],
      backlog: { waiting: 3, oldestAt: '2026-01-01T00:00:00.000Z' },
    },
  };
}

/** Returns a function that passes what replicas at addresses said, and returns the replicas that viewers see. */
function createViewer() {
  const clock = { now: Date.parse('2026-01-01T00:00:10Z') };
  const log = createReplicaLog(() => clock.now);
  const see = (said: Record<string, Status | undefined>) => {
    const replicas = Object.entries(said).map(([origin, status]) => ({ origin, status }));
    return log([{ name: 'billing', replicas }]).services[0]?.replicas ?? [];
  };
  return { clock, see };
}

describe('what viewers see of a replica', () => {
  it('is its state, its counts, its calls and its backlog', () => {
    const { see } = createViewer();
    expect(see({ a: statusOf('one', 5) })).toMatchObject([
      {
        ...{ instance: 'one', state: 'ready', version: '1', down: ['cache'] },
        requests: { count: 5, failed: 0, rejected: 0, p99Ms: undefined },
        calls: [{ to: 'users', count: 5, breaker: 'closed', retriesLeft: 10 }],
        backlog: { waiting: 3 },
      },
    ]);
  });

  it('has percentiles of what happened between two readings', () => {
    const { see } = createViewer();
    see({ a: statusOf('one', 5) });
    const [replica] = see({ a: statusOf('one', 105) });
    expect(replica?.requests?.p99Ms).toBe(25);
    expect(replica?.calls[0]?.p99Ms).toBe(25);
  });

  it('has its requests by priority, without priorities that had none', () => {
    const { see } = createViewer();
    see({ a: statusOf('one', 5) });
    expect(see({ a: statusOf('one', 105) })[0]?.priorities).toEqual([
      { priority: 'interactive', count: 105, failed: 0, rejected: 210, p50Ms: 18, p99Ms: 25 },
    ]);
  });

  it('has no priorities if it is of a version that does not count them', () => {
    const { see } = createViewer();
    const { activity, ...status } = statusOf('one', 5);
    const older = { ...status, activity: { ...activity, priorities: undefined } as typeof activity };
    expect(see({ a: older })).toMatchObject([{ requests: { count: 5 }, priorities: [] }]);
  });

  it('has no address', () => {
    const { see } = createViewer();
    const { activity: _, ...older } = statusOf('one');
    const shown = JSON.stringify(see({ 'http://10.0.0.7:9080': older, 'http://10.0.0.8:9080': undefined }));
    expect(shown).not.toContain('10.0.0');
  });
});

describe('a replica that does not respond', () => {
  it('is unreachable, with the time since when, and ready again when it responds', () => {
    const { clock, see } = createViewer();
    see({ a: statusOf('one') });
    const lost = see({ a: undefined });
    expect(lost).toMatchObject([{ instance: 'one', state: 'unreachable' }]);
    const at = new Date(clock.now).toISOString();
    expect(lost[0]?.history.at(-1)).toEqual({ state: 'unreachable', at });
    expect(see({ a: statusOf('one') })).toMatchObject([{ instance: 'one', state: 'ready' }]);
  });

  it('is gone if it was draining', () => {
    const { see } = createViewer();
    see({ a: statusOf('one', 0, 'draining') });
    expect(see({})).toMatchObject([{ instance: 'one', state: 'gone' }]);
  });

  it('is gone if another process responds at its address', () => {
    const { see } = createViewer();
    see({ a: statusOf('one') });
    expect(see({ a: statusOf('two') })).toMatchObject([
      { instance: 'one', state: 'gone' },
      { instance: 'two', state: 'ready' },
    ]);
  });

  it('is shown for a minute, and its address for as long as it is configured', () => {
    const { clock, see } = createViewer();
    see({ a: statusOf('one') });
    see({ a: undefined });
    clock.now += 60_001;
    expect(see({ a: undefined })).toMatchObject([{ state: 'unreachable', history: [] }]);
    expect(see({})).toEqual([]);
  });
});
