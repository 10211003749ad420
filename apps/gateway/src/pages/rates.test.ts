import { describe, expect, it } from 'vitest';

// The page's scripts are JavaScript, which the browser runs as it is; TypeScript knows no types of them.
const path: string = './rates.js';
const { callsOf, compare, age, figure } = await import(path);

const at = Date.parse('2026-01-01T00:00:00Z');

/** A reading of one service with one process. */
function reading(seconds: number, instance: string, count: number, state = 'ready') {
  const counts = { count, failed: 0, rejected: count / 2 };
  const calls = [{ to: 'users', count, failed: count, p99Ms: 5, breaker: 'closed', retriesLeft: 9 }];
  const replica = { instance, state, requests: counts, calls };
  return { at: at + seconds * 1_000, services: [{ name: 'billing', replicas: [replica] }] };
}

describe('rates between two readings', () => {
  it('are counts per second, of requests and of calls', () => {
    const [service] = compare(reading(0, 'one', 10), reading(2, 'one', 30));
    expect(service.replicas[0]).toMatchObject({
      perSecond: { count: 10, failed: 0, rejected: 5 },
      calls: [{ perSecond: { count: 10, failed: 10 } }],
    });
  });

  it('are the mean over a break of the stream, so that nothing is lost', () => {
    const [service] = compare(reading(0, 'one', 0), reading(60, 'one', 600));
    expect(service.replicas[0].perSecond.count).toBe(10);
  });

  it('are unknown for a process that was not there before, and at the first reading', () => {
    for (const before of [undefined, reading(0, 'one', 10)]) {
      expect(compare(before, reading(1, 'two', 30))[0].replicas[0].perSecond).toBeUndefined();
    }
  });
});

describe('rates by priority', () => {
  const withPriorities = (seconds: number, ...priorities: object[]) => {
    const [service] = reading(seconds, 'one', 0).services;
    const replicas = service?.replicas.map((each) => ({ ...each, priorities }));
    return { at: at + seconds * 1_000, services: [{ ...service, replicas }] };
  };
  const money = (count: number) => ({ priority: 'money', count, failed: 0, rejected: 2 * count });

  it('are counts per second, also of a priority that had no request before', () => {
    const batch = { priority: 'batch', count: 8, failed: 6, rejected: 4 };
    const [service] = compare(withPriorities(0, money(10)), withPriorities(2, money(30), batch));
    expect(service.replicas[0].priorities).toMatchObject([
      { priority: 'money', count: 30, perSecond: { count: 10, failed: 0, rejected: 20 } },
      { priority: 'batch', perSecond: { count: 4, failed: 3, rejected: 2 } },
    ]);
  });

  it('are unknown after the reading of a gateway that sends no priorities', () => {
    const [service] = compare(reading(0, 'one', 0), withPriorities(1, money(30)));
    expect(service.replicas[0].priorities[0].perSecond).toBeUndefined();
  });
});

describe('the calls of a system', () => {
  it('are added up over the replicas that respond, with the worst of the rest', () => {
    const [service] = compare(reading(0, 'one', 0), reading(1, 'one', 10));
    const [first] = service.replicas;
    const second = {
      ...first,
      calls: [{ ...first.calls[0], p99Ms: 50, breaker: 'half-open', retriesLeft: 3 }],
    };
    const gone = { ...first, state: 'gone', calls: [{ ...first.calls[0], breaker: 'open' }] };
    expect(callsOf([{ ...service, replicas: [first, second, gone] }])).toEqual([
      {
        ...{ from: 'billing', to: 'users', p99Ms: 50, breaker: 'half-open', retriesLeft: 3 },
        perSecond: { count: 20, failed: 20, rejected: 0 },
      },
    ]);
  });
});

describe('figures', () => {
  it.each([
    [undefined, '–'],
    [0, '0'],
    [0.25, '0.3'],
    [9.96, '10'],
    [123.4, '123'],
  ])('show %s as %s', (value, text) => expect(figure(value)).toBe(text));

  it.each([
    [-5, '0 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [7_200_000, '2 h'],
    [172_800_000, '2 d'],
  ])('show %s ms as %s', (ms, text) => expect(age(ms)).toBe(text));
});
