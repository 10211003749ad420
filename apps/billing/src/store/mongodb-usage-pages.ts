import type { DomainEvent } from '@slipway/contract-kit/event';
import type { PlacedEvent } from '@slipway/store-mongodb/outbox';
import { toSafeNumber } from '../money.ts';
import type { UsageOutcome, UsageRecord } from '../usage.ts';
import { followSums, type PeriodTotal } from '../usage-totals.ts';

/** Records of one subscription that are to be added. */
export type Share = {
  subscriptionId: string;
  records: UsageRecord[];
  eventsOf: (added: UsageRecord[]) => DomainEvent[];
};

/** What a page keeps of a record; `key` is `<subscription>/<record id>`. */
export type KeptRecord = Pick<UsageRecord, 'metric' | 'quantity' | 'at'> & { key: string };

/** Stored as 64 bits: the version before let a sum become too large for a number. */
export type PageTotal = { period: number; metric: string; quantity: bigint; records: number };

/** What the next page must know of the one before it. */
export type PageEnd = {
  subscriptionId: string;
  /** Counted up from 1 within the subscription; 0 where there is no page yet. */
  number: number;
  /** Totals of the records of this page and all before it. */
  totals: PageTotal[];
};

/** A document of usage: records that were added in one step, what they amount to, and what tells of them. */
export type Page = PageEnd & { _id: string; records: KeptRecord[]; outbox: PlacedEvent[] };

/** A page that is not written yet, without its outbox, for the shares that it is made of. */
export type Draft = {
  shares: Share[];
  outcomes: UsageOutcome[][];
  page: Omit<Page, 'outbox'>;
  events: DomainEvent[];
};

/** The unique name of a record. Ids of subscriptions are made here, without a slash. */
export function keyOf({ subscriptionId, id }: Pick<UsageRecord, 'subscriptionId' | 'id'>): string {
  return `${subscriptionId}/${id}`;
}

/**
 * Drafts the page that follows another one.
 *
 * @param shares all of the subscription of that page
 * @param kept those of their records that are kept already
 */
export function draftPage(end: PageEnd, shares: Share[], kept: Map<string, KeptRecord>): Draft {
  const known = new Map(kept);
  const fits = followSums(end.totals);
  const outcomes = shares.map(({ records }) => records.map((record) => outcomeOf(record, known, fits)));
  const added = shares.map(({ records }, share) =>
    records.filter((_, index) => outcomes[share]?.[index] === 'added'),
  );
  const events = shares.flatMap(({ eventsOf }, share) => eventsOf(added[share] ?? []));
  return { shares, outcomes, page: pageAfter(end, added.flat()), events };
}

/**
 * Tells a new record from a repetition, and notes it as known.
 *
 * @param fits whether the sum of the subscription's metric can take the quantity
 */
function outcomeOf(
  record: UsageRecord,
  known: Map<string, KeptRecord>,
  fits: ReturnType<typeof followSums>,
): UsageOutcome {
  const { metric, quantity, at } = record;
  const key = keyOf(record);
  const same = known.get(key);
  if (!same) {
    if (!fits(metric, quantity)) return 'too_large';
    known.set(key, { key, metric, quantity, at });
    return 'added';
  }
  const isSame = same.metric === metric && same.quantity === quantity && same.at === at;
  return isSame ? 'duplicate' : 'conflict';
}

function pageAfter(end: PageEnd, added: UsageRecord[]): Draft['page'] {
  const { subscriptionId } = end;
  const number = end.number + 1;
  const counted = added.map(({ period, metric, quantity }) => ({
    ...{ period, metric, records: 1 },
    quantity: BigInt(quantity),
  }));
  return {
    _id: `${subscriptionId}/${number}`,
    subscriptionId,
    number,
    records: added.map((record) => {
      const { metric, quantity, at } = record;
      return { key: keyOf(record), metric, quantity, at };
    }),
    totals: addUp([...end.totals, ...counted]),
  };
}

/**
 * Totals by period and metric.
 *
 * @throws {RangeError} if one lies beyond 2^53, which the version before let happen.
 */
export function totalsOf({ totals }: PageEnd): PeriodTotal[] {
  return totals
    .map((total) => ({ ...total, quantity: toSafeNumber(total.quantity) }))
    .sort((a, b) => a.period - b.period || (a.metric < b.metric ? -1 : 1));
}

function addUp(totals: PageTotal[]): PageTotal[] {
  const sums = new Map<string, PageTotal>();
  for (const total of totals) {
    const name = `${total.period} ${total.metric}`;
    const before = sums.get(name);
    const quantity = total.quantity + (before?.quantity ?? 0n);
    sums.set(name, { ...total, ...before, quantity, records: total.records + (before?.records ?? 0) });
  }
  return [...sums.values()];
}
