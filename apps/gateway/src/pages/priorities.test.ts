import { describe, expect, it } from 'vitest';

// The page's scripts are JavaScript, which the browser runs as it is; TypeScript knows no types of them.
const path: string = './priorities.js';
const { pastOf, rejectedIn, requestsOf } = await import(path);

const rates = (count: number, failed: number, rejected: number) => ({ count, failed, rejected });

/** The requests of one priority, as the page has them of a process. */
const requests = (priority: string, perSecond?: object, p50Ms?: number, p99Ms?: number) => ({
  ...{ priority, perSecond, p50Ms, p99Ms },
});

/** A reading of billing with some processes, each with its requests by priority. */
const reading = (seconds: number, ...processes: object[][]) => ({
  at: seconds * 1_000,
  services: [{ name: 'billing', replicas: processes.map((priorities) => ({ state: 'ready', priorities })) }],
});

describe('the requests of a service by priority', () => {
  it('are those of all its processes, with the highest percentiles and the highest priority first', () => {
    const first = [requests('batch', rates(1, 0, 9)), requests('money', rates(10, 2, 5), 3, 40)];
    const second = [requests('money', rates(20, 1, 5), 4, 30)];
    expect(requestsOf(reading(1, first, second))).toEqual([
      {
        ...{ service: 'billing', priority: 'money', p50Ms: 4, p99Ms: 40 },
        ...{ offered: 40, served: 27, failed: 3, rejected: 10 },
      },
      {
        ...{ service: 'billing', priority: 'batch', p50Ms: undefined, p99Ms: undefined },
        ...{ offered: 10, served: 1, failed: 0, rejected: 9 },
      },
    ]);
  });

  it('have no rates at the first reading', () => {
    const [first] = requestsOf(reading(1, [requests('money')]));
    expect(first).toEqual({ service: 'billing', priority: 'money', p50Ms: undefined, p99Ms: undefined });
  });

  it('are without those of a process that is gone or of an older version', () => {
    const there = reading(1, [requests('money', rates(1, 0, 0))]);
    const gone = { state: 'gone', priorities: [requests('batch', rates(1, 0, 0))] };
    const [billing] = there.services;
    const services = [{ ...billing, replicas: [...(billing?.replicas ?? []), gone, { state: 'ready' }] }];
    expect(requestsOf({ ...there, services })).toMatchObject([{ priority: 'money', offered: 1 }]);
  });
});

describe('the past of a priority', () => {
  const readings = [
    reading(10, [requests('batch', rates(1, 0, 7))]),
    reading(11, [requests('money', rates(1, 0, 0))]),
    reading(12, [requests('batch', rates(1, 0, 4))]),
    reading(62, [requests('batch', rates(1, 0, 2))]),
  ];
  const past = pastOf(readings, { service: 'billing', priority: 'batch' });

  it('has every reading, so that a line is interrupted where there was none', () => {
    expect(past.map(({ at, rejected }: { at: number; rejected?: number }) => [at, rejected])).toEqual([
      [10_000, 7],
      [11_000, undefined],
      [12_000, 4],
      [62_000, 2],
    ]);
  });

  it('counts what was rejected between its readings, also over a break of the stream', () => {
    expect(rejectedIn(past)).toBe(4 + 2 * 50);
    expect(rejectedIn(past.slice(0, 1))).toBe(0);
  });
});
