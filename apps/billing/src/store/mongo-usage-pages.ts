import type { PlacedEvent } from '@slipway/platform/store/mongo-outbox';
import { toSafeNumber } from '../money.ts';
import type { UsageOutcome, UsageRecord } from '../usage.ts';
import type { UsageTotal } from '../usage-totals.ts';

/** What a page keeps of a record; all of its records are of one subscription. */
export type KeptRecord = Pick<UsageRecord, 'id' | 'metric' | 'quantity' | 'at'>;

/** Kept as 64 bits: records whose sum is too large for a number are kept, and refused when they are billed. */
export type PageTotal = { period: number; metric: string; quantity: bigint; records: number };

/** What the next page must know of the one before it. */
export type PageEnd = {
  subscriptionId: string;
  /** Counted up from 1 within the subscription; 0 where there is no page yet. */
  number: number;
  /** Totals of the records of this page and all before it. */
  totals: PageTotal[];
};

/** A document of usage: records that were added in one step, and what they amount to. */
export type Page = PageEnd & { _id: string; records: KeptRecord[]; outbox: PlacedEvent[] };

/** Tells those that are new from repetitions, within the records and of those that are kept. */
export function outcomesOf(records: UsageRecord[], kept: KeptRecord[]): UsageOutcome[] {
  const known = new Map(kept.map((record) => [record.id, record]));
  return records.map((record) => {
    const same = known.get(record.id);
    if (!same) {
      known.set(record.id, record);
      return 'added';
    }
    const { metric, quantity, at } = record;
    const isSame = same.metric === metric && same.quantity === quantity && same.at === at;
    return isSame ? 'duplicate' : 'conflict';
  });
}

/** The page that follows another one. */
export function pageAfter(end: PageEnd, added: UsageRecord[], outbox: PlacedEvent[]): Page {
  const { subscriptionId } = end;
  const number = end.number + 1;
  const counted = added.map(({ period, metric, quantity }) => ({
    ...{ period, metric, records: 1 },
    quantity: BigInt(quantity),
  }));
  return {
    _id: `${subscriptionId}:${number}`,
    subscriptionId,
    number,
    records: added.map(({ id, metric, quantity, at }) => ({ id, metric, quantity, at })),
    totals: addUp([...end.totals, ...counted], ({ period, metric }) => `${period} ${metric}`),
    outbox,
  };
}

/**
 * Totals by metric of the periods up to and with `lastPeriod`.
 *
 * @throws {RangeError} if one lies beyond 2^53.
 */
export function totalsOf({ totals }: PageEnd, lastPeriod: number): UsageTotal[] {
  const counted = totals.filter(({ period }) => period <= lastPeriod);
  return addUp(counted, ({ metric }) => metric)
    .map(({ metric, quantity, records }) => ({ metric, quantity: toSafeNumber(quantity), records }))
    .sort((a, b) => (a.metric < b.metric ? -1 : 1));
}

/** Adds up those with the same key; the rest of a sum is that of its first. */
function addUp(totals: PageTotal[], keyOf: (total: PageTotal) => string): PageTotal[] {
  const sums = new Map<string, PageTotal>();
  for (const total of totals) {
    const key = keyOf(total);
    const before = sums.get(key);
    const quantity = total.quantity + (before?.quantity ?? 0n);
    sums.set(key, { ...total, ...before, quantity, records: total.records + (before?.records ?? 0) });
  }
  return [...sums.values()];
}
