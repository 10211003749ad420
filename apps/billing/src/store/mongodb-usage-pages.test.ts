import { describe, expect, it } from 'vitest';
import { event } from '../events.ts';
import type { UsageRecord } from '../usage.ts';
import { draftPage, type PageEnd, type Share, totalsOf } from './mongodb-usage-pages.ts';

const at = '2026-01-31T10:00:00.000Z';
const usage = (id: string, facts: Partial<UsageRecord> = {}): UsageRecord => ({
  ...{ id, subscriptionId: 's1', userId: 'u1', metric: 'api_calls', quantity: 5, at, period: 1 },
  ...facts,
});
const share = (...records: UsageRecord[]): Share => ({
  subscriptionId: 's1',
  records,
  eventsOf: (added) => added.map(({ id }) => event('user.deleted', id, { userId: 'u1' })),
});
const before: PageEnd = {
  subscriptionId: 's1',
  number: 7,
  totals: [{ period: 1, metric: 'api_calls', quantity: 100n, records: 10 }],
};
const kept = (...records: UsageRecord[]) =>
  new Map(
    records.map(({ id, metric, quantity, at }) => [`s1/${id}`, { key: `s1/${id}`, metric, quantity, at }]),
  );

describe('the page after another', () => {
  it('has the next number, the records, and the totals of all pages', () => {
    const added = share(usage('r1'), usage('r2', { period: 2 }), usage('r3', { metric: 'storage' }));
    const { page } = draftPage(before, [added], kept());
    expect(page).toMatchObject({ _id: 's1/8', subscriptionId: 's1', number: 8 });
    expect(page.records.map(({ key }) => key)).toEqual(['s1/r1', 's1/r2', 's1/r3']);
    expect(page.totals).toEqual([
      { period: 1, metric: 'api_calls', quantity: 105n, records: 11 },
      { period: 2, metric: 'api_calls', quantity: 5n, records: 1 },
      { period: 1, metric: 'storage', quantity: 5n, records: 1 },
    ]);
  });

  it('has what is new of each share once, and tells each share its own outcomes', () => {
    const shares = [
      share(usage('r1'), usage('r2')),
      share(usage('r2'), usage('r3'), usage('r3', { quantity: 6 })),
    ];
    const { page, outcomes, events } = draftPage(before, shares, kept(usage('r1')));
    expect(outcomes).toEqual([
      ['duplicate', 'added'],
      ['duplicate', 'added', 'conflict'],
    ]);
    expect(page.records.map(({ key }) => key)).toEqual(['s1/r2', 's1/r3']);
    expect(events.map(({ id }) => id)).toEqual(['user.deleted:r2', 'user.deleted:r3']);
  });

  it.each([{ quantity: 6 }, { metric: 'storage' }, { at: '2026-02-01T00:00:00.000Z' }])(
    'takes no record that is kept with other content: %j',
    (other) => {
      const { outcomes } = draftPage(before, [share(usage('r1', other))], kept(usage('r1')));
      expect(outcomes).toEqual([['conflict']]);
    },
  );
});

describe('totals', () => {
  it('are sorted by period and metric, and refused where a number is not exact', () => {
    const totals = [
      { period: 2, metric: 'storage', quantity: 1n, records: 1 },
      { period: 1, metric: 'api_calls', quantity: BigInt(Number.MAX_SAFE_INTEGER), records: 2 },
      { period: 2, metric: 'api_calls', quantity: 1n, records: 4 },
    ];
    expect(totalsOf({ ...before, totals })).toEqual([
      { period: 1, metric: 'api_calls', quantity: Number.MAX_SAFE_INTEGER, records: 2 },
      { period: 2, metric: 'api_calls', quantity: 1, records: 4 },
      { period: 2, metric: 'storage', quantity: 1, records: 1 },
    ]);
    const large = [{ period: 1, metric: 'api_calls', quantity: 2n ** 53n, records: 2 }];
    expect(() => totalsOf({ ...before, totals: large })).toThrow(RangeError);
  });
});
