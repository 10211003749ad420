import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cancelled, paid, refunded, signedUp, started, used } from '../testing/events.ts';
import { startReporting } from '../testing/service.ts';

type Reporting = Awaited<ReturnType<typeof startReporting>>;

let reporting: Reporting;
beforeEach(async () => {
  reporting = await startReporting();
});
afterEach(() => reporting.stop());

const reports = [
  '/api/v1/reports/revenue',
  '/api/v1/reports/recurring',
  '/api/v1/reports/sign-ups',
  '/api/v1/reports/top-usage?metric=calls',
  '/api/v1/reports/dead-letters',
];
const march = '2026-03-31T12:00:00Z';

describe('reports', () => {
  it('return the sums of the delivered events', async () => {
    const events = [
      signedUp({ at: march }),
      started({ planId: 'pro', price: 4900 }),
      used({ quantity: 7 }),
      paid({ at: march, planId: 'pro', amount: 4900 }),
      refunded({ at: march, planId: 'pro', amount: 900 }),
    ];
    expect((await reporting.deliver(events)).json()).toEqual({ applied: 5, duplicates: 0, rejected: 0 });
    expect((await reporting.deliver(events)).json()).toEqual({ applied: 0, duplicates: 5, rejected: 0 });

    const items = async (url: string) => (await reporting.ask('GET', url)).json().items;
    expect(await items('/api/v1/reports/revenue?by=month')).toEqual([
      { period: '2026-03', planId: 'pro', currency: 'EUR', paid: 4900, refunded: 900, net: 4000 },
    ]);
    expect(await items('/api/v1/reports/recurring')).toEqual([
      { planId: 'pro', currency: 'EUR', active: 1, monthlyRevenue: 4900 },
    ]);
    expect(await items('/api/v1/reports/sign-ups')).toEqual([
      { period: '2026-03-31', signedUp: 1, deleted: 0 },
    ]);
    expect(await items('/api/v1/reports/top-usage?metric=calls')).toEqual([
      { subscriptionId: 's1', userId: 'u1', quantity: 7, records: 1 },
    ]);
  });

  it('are sent as CSV or NDJSON if the client accepts that', async () => {
    await reporting.deliver([paid({ at: march, amount: 4900 }), refunded({ at: march, amount: 5000 })]);
    const csv = await reporting.ask('GET', '/api/v1/reports/revenue', { accept: 'text/csv' });
    expect(csv.headers).toMatchObject({ 'content-type': 'text/csv; charset=utf-8', vary: 'accept' });
    expect(csv.body).toBe(
      'period,planId,currency,paid,refunded,net\r\n2026-03-31,basic,EUR,4900,5000,-100\r\n',
    );
    const ndjson = await reporting.ask('GET', '/api/v1/reports/revenue', { accept: 'application/x-ndjson' });
    expect(ndjson.headers['content-type']).toBe('application/x-ndjson; charset=utf-8');
    expect(ndjson.body).toBe(
      '{"period":"2026-03-31","planId":"basic","currency":"EUR","paid":4900,"refunded":5000,"net":-100}\n',
    );
  });

  it('have no other format', async () => {
    const answer = await reporting.ask('GET', '/api/v1/reports/recurring', { accept: 'text/html' });
    expect(answer.statusCode).toBe(406);
    expect(answer.json().code).toBe('not_acceptable');
  });

  it.each([
    ['/api/v1/reports/revenue?by=week', 'query.by'],
    ['/api/v1/reports/revenue?from=2026-02-30', 'query.from'],
    ['/api/v1/reports/revenue?to=today', 'query.to'],
    ['/api/v1/reports/revenue?from=2026-03-02&to=2026-03-01', 'query.to'],
    ['/api/v1/reports/revenue?form=2026-03-01', 'query.form'],
    ['/api/v1/reports/top-usage', 'query.metric'],
    ['/api/v1/reports/top-usage?metric=a/b', 'query.metric'],
    ['/api/v1/reports/top-usage?metric=calls&limit=0', 'query.limit'],
    ['/api/v1/reports/top-usage?metric=calls&limit=201', 'query.limit'],
    ['/api/v1/reports/dead-letters?cursor=nonsense', 'query.cursor'],
  ])('reject %s and name %s', async (url, field) => {
    for (const accept of ['application/json', 'text/csv']) {
      const answer = await reporting.ask('GET', url, { accept });
      expect(answer.statusCode).toBe(400);
      expect(answer.json().errors).toContainEqual(expect.objectContaining({ field }));
    }
  });

  it.each([...reports.map((url) => ['GET', url] as const), ['POST', '/api/v1/reports/rebuild'] as const])(
    'are for administrators only: %s %s',
    async (method, url) => {
      const status = async (authorization: string) =>
        (await reporting.ask(method, url, { authorization })).statusCode;
      expect(await status('')).toBe(401);
      expect(await status('Bearer forged')).toBe(401);
      expect(await status(`Bearer ${await reporting.tokenFor('member')}`)).toBe(403);
      expect(await status(`Bearer ${await reporting.tokenFor('admin')}`)).toBe(200);
    },
  );
});

describe('rebuild', () => {
  it('returns how many events it counted, and that the figures were correct', async () => {
    await reporting.deliver([paid({}), started({ version: 1 }), cancelled({ version: 2 })]);
    expect((await reporting.ask('POST', '/api/v1/reports/rebuild')).json()).toEqual({
      events: 3,
      equal: true,
    });
  });
});
