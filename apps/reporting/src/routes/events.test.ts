import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { paid, signedUp } from '../testing/events.ts';
import { startReporting } from '../testing/service.ts';

type Reporting = Awaited<ReturnType<typeof startReporting>>;

let reporting: Reporting;
beforeEach(async () => {
  reporting = await startReporting();
});
afterEach(() => reporting.stop());

const march = '2026-03-31T12:00:00Z';

describe('events', () => {
  it('are accepted from services only', async () => {
    expect((await reporting.deliver([paid({})], await reporting.tokenFor('admin'))).statusCode).toBe(401);
    expect((await reporting.ask('GET', '/api/v1/reports/revenue')).json().items).toEqual([]);
  });

  it('that cannot be counted are listed as dead letters with the reason, in pages', async () => {
    const bad = [
      { ...paid({}), type: 'payment.dreamt' },
      paid({ amount: -1 }),
      paid({ currency: 'euro' }),
      signedUp({ at: '2026-06-30T23:59:60Z' }),
    ];
    expect((await reporting.deliver([...bad, paid({})])).json()).toEqual({
      applied: 1,
      duplicates: 0,
      rejected: 4,
    });
    const url = '/api/v1/reports/dead-letters?limit=3';
    const first = (await reporting.ask('GET', url)).json();
    const second = (await reporting.ask('GET', `${url}&cursor=${first.next}`)).json();
    const listed = [...first.items, ...second.items];
    expect(listed.map(({ id }) => id).sort()).toEqual(bad.map(({ id }) => id).sort());
    expect(listed.find(({ id }) => id === bad[0]?.id)).toEqual({
      id: bad[0]?.id,
      type: 'payment.dreamt',
      source: 'test',
      reason: 'unknown type payment.dreamt',
      rejectedAt: expect.any(String),
    });
  });

  it('that are dead letters can be delivered again when the cause is fixed', async () => {
    const event = paid({ amount: 5 });
    await reporting.store.addDeadLetter(event, 'a bug of reporting', march);
    const url = `/api/v1/reports/dead-letters/${event.id}/redeliver`;
    expect((await reporting.ask('POST', url)).json()).toEqual({ outcome: 'applied' });
    expect((await reporting.ask('POST', url)).statusCode).toBe(404);
    expect((await reporting.ask('GET', '/api/v1/reports/revenue')).json().items).toHaveLength(1);
  });

  it('stay listed if they are rejected again', async () => {
    const event = paid({ amount: -1 });
    await reporting.deliver([event]);
    const answer = await reporting.ask('POST', `/api/v1/reports/dead-letters/${event.id}/redeliver`);
    expect(answer.json()).toEqual({ outcome: 'rejected', reason: expect.stringContaining('amount') });
    expect((await reporting.ask('GET', '/api/v1/reports/dead-letters')).json().items).toHaveLength(1);
  });
});
