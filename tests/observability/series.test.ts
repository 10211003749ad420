import { randomBytes } from 'node:crypto';
import { type ClientRequestArgs, request } from 'node:http';
import { listPlans } from '@slipway/contracts/billing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serviceNames } from '../../scripts/system.ts';
import { ok } from '../support/http.ts';
import { type System, startSystem } from '../support/system.ts';

const known = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', '_OTHER'];

/** Some of what Node's parser takes for a method. */
const methods = [
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'HEAD',
  'OPTIONS',
  'PROPFIND',
  'MKCOL',
  'REPORT',
  'TRACE',
  'PURGE',
];

const junk = (length = 6) => randomBytes(length).toString('hex');
const nth = <T>(items: readonly T[], n: number): T => items[Math.floor(n) % items.length] as T;

/** A request such as robots send: nothing of it was ever seen before. Each kind of path comes with each method. */
function anything(n: number): ClientRequestArgs {
  const paths = [
    `/${junk()}`,
    `/api/v1/${junk()}/${junk()}`,
    `/api/v1/users/${junk()}/roles`,
    `/api/v1/plans?${junk()}=${junk()}`,
    `/api/v1/invoices/${junk()}`,
    `/%${n % 10}${junk()}`,
    `/${'a/'.repeat(n % 50)}`,
  ];
  return {
    method: nth(methods, n / paths.length),
    path: nth(paths, n),
    headers: {
      host: `${junk()}.example.com`,
      'user-agent': `${junk(12)}/${n}`,
      authorization: nth([`Bearer ${junk(20)}`, junk()], n / paths.length / methods.length),
      'x-correlation-id': junk(),
      traceparent: nth([`00-${junk(16)}-${junk(8)}-01`, junk()], n),
      'x-request-timeout-ms': String(1_000 + n),
      'x-forwarded-for': `10.${n % 250}.1.1`,
      'content-type': `application/${junk()}`,
      [`x-${junk()}`]: junk(),
    },
  };
}

async function sendAll(address: string, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += 20) {
    const some = Array.from({ length: 20 }, (_, n) => sendOne(address, anything(sent + n)));
    await Promise.all(some);
  }
}

/** Resolves when there is an answer, or none: a broken request may end with its connection. */
function sendOne(address: string, options: ClientRequestArgs): Promise<void> {
  return new Promise((resolve) => {
    const call = request(address, { ...options, agent: false, timeout: 10_000 }, (answer) => {
      answer.resume().on('close', resolve);
    });
    call.on('error', () => resolve()).end();
  });
}

type Series = { name: string; labels: Record<string, string> };

/** All series of a service, without those of Node itself, which come and go. */
async function seriesOf(management: string): Promise<Series[]> {
  const text = await (await fetch(`${management}/metrics`)).text();
  return text.split('\n').flatMap((line) => {
    const [, name, labels = ''] = /^(\w+)\{(.*)\} \S+$/.exec(line) ?? [];
    if (!name || /^(nodejs|process)_/.test(name)) return [];
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, value]) => [
      label,
      value,
    ]);
    return [{ name, labels: Object.fromEntries(pairs) }];
  });
}

/** Without those of a busy machine, which refuses some before they have a route. */
const names = (series: Series[]) =>
  series
    .filter(({ labels }) => labels.route !== 'rejected')
    .map((each) => JSON.stringify(each))
    .sort();

/** The values of each label, but for how a call or a request ended. */
function labelValues(series: Series[]): Record<string, string[]> {
  const values: Record<string, Set<string>> = {};
  for (const { labels } of series) {
    for (const [label, value] of Object.entries(labels)) {
      if (label === 'status' || label === 'outcome') continue;
      values[label] ??= new Set();
      values[label].add(value);
    }
  }
  return Object.fromEntries(Object.entries(values).map(([label, set]) => [label, [...set].sort()]));
}

describe('1,000 requests of which no two are alike', () => {
  let system: System;
  beforeAll(async () => {
    // The limit on one caller would hide most of what they do.
    system = await startSystem({ env: { RATE_LIMIT: '1000000', LOG_LEVEL: 'silent' } });
    await ok(system.base, listPlans, {});
  });
  afterAll(() => system?.stop());

  it.each(serviceNames)('to %s make no label grow, and 1,000 more add no series', async (name) => {
    const { address, management } = system.services[name];
    const before = await seriesOf(management);
    await sendAll(address, 1_000);
    const after = await seriesOf(management);

    const { method = [], route = [], operation: _after, ...others } = labelValues(after);
    const { method: _methods, route: routes = [], operation: _before, ...othersBefore } = labelValues(before);
    expect(others).toEqual(othersBefore);
    // All unmatched paths share one route label, and all unknown methods one method label.
    // A busy machine may have refused some before they had one.
    expect(route.filter((each) => each !== 'rejected')).toEqual([...routes, 'unmatched'].sort());
    expect(method).toContain('_OTHER');
    expect(known).toEqual(expect.arrayContaining(method));

    const ends = new Set(after.flatMap(({ labels: { status, outcome } }) => status ?? outcome ?? []));
    for (const end of ends) expect(end).toMatch(/^([1-5]\d\d|[a-z_]{2,20})$/);
    // The rest is new pairs of a known route and a known status, of 15 lines each.
    expect(after.length - before.length).toBeLessThan(routes.length * known.length * 15);
    expect(after.length).toBeLessThan(5_000);

    await sendAll(address, 1_000);
    expect(names(await seriesOf(management))).toEqual(names(after));
  });
});
