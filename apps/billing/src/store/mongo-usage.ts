import { setTimeout as wait } from 'node:timers/promises';
import { problem } from '@slipway/contracts/errors';
import type { DomainEvent } from '@slipway/platform/events/events';
import { BoundedMap } from '@slipway/platform/http/bounded-map';
import type { MongoStore } from '@slipway/platform/store/mongo';
import { isDuplicate } from '@slipway/platform/store/mongo-errors';
import type { MongoOutbox } from '@slipway/platform/store/mongo-outbox';
import type { UsageOutcome, UsageRecord, UsageStore } from '../usage.ts';
import { gather } from './gather.ts';
import {
  type KeptRecord,
  outcomesOf,
  type Page,
  type PageEnd,
  pageAfter,
  totalsOf,
} from './mongo-usage-pages.ts';

/** How often a page is made anew because another replica has written the next one meanwhile. */
const attempts = 20;
/** Longest pause before another attempt; milliseconds. */
const longestPause = 40;
/** Subscriptions whose last page is remembered. */
const remembered = 10_000;
/** Subscriptions of a batch that are written at the same time. */
const atOnce = 10;
/** Batches that go into one page: with 1,000 records each, a page stays far below the 16 MB of a document. */
const batchesInPage = 10;

/** A batch's records of one subscription. */
type Batch = { records: UsageRecord[]; eventsOf: (added: UsageRecord[]) => DomainEvent[] };

/**
 * Usage is kept in pages: one document for the records of a subscription that came together, with the totals
 * of all its pages so far and the events that tell of the records. Pages are numbered, and never changed but
 * for their outbox. A number is taken once, so each page has seen the records and totals of all before it.
 */
export function mongoUsage({ collection, command }: MongoStore, outbox: MongoOutbox): UsageStore {
  const pages = collection<Page>('usage');
  /** The last pages that this process has seen. If there are newer ones, adding takes another attempt. */
  const seen = new BoundedMap<string, PageEnd>(remembered);

  async function lastPage(subscriptionId: string): Promise<PageEnd> {
    const earlier = seen.get(subscriptionId) ?? { subscriptionId, number: 0, totals: [] };
    const notEarlier = { subscriptionId, number: { $gte: earlier.number } };
    const projection = { subscriptionId: 1, number: 1, totals: 1 };
    const found = await command((options) =>
      pages.findOne(notEarlier, { ...options, projection, sort: { number: -1 } }),
    );
    return found ? remember(withBigInts(found)) : earlier;
  }

  function remember({ subscriptionId, number, totals }: PageEnd): PageEnd {
    const end = { subscriptionId, number, totals };
    seen.set(subscriptionId, end);
    return end;
  }

  async function recordsKept(subscriptionId: string, ids: string[]): Promise<KeptRecord[]> {
    const areWanted = { 'records.id': { $in: ids } };
    const pipeline = [
      { $match: { subscriptionId, ...areWanted } },
      { $unwind: '$records' },
      { $match: areWanted },
      { $replaceRoot: { newRoot: '$records' } },
    ];
    return command((options) => pages.aggregate<KeptRecord>(pipeline, options).toArray());
  }

  /** @returns `false`, and nothing is written, if this number, or one of the records, is in another page. */
  async function write(end: PageEnd, added: UsageRecord[], events: DomainEvent[]): Promise<boolean> {
    try {
      const page = await outbox.write(events, async (placed) => {
        const next = pageAfter(end, added, placed);
        await command((options) => pages.insertOne(next, options));
        return next;
      });
      remember(page);
      return true;
    } catch (error) {
      if (isDuplicate(error)) return false;
      throw error;
    }
  }

  const addTo = gather(async (subscriptionId: string, batches: Batch[]): Promise<UsageOutcome[][]> => {
    const records = batches.flatMap((batch) => batch.records);
    const ids = [...new Set(records.map(({ id }) => id))];
    for (let attempt = 0; attempt < attempts; attempt++) {
      // The page is read before the records: whatever is written in between takes the number of the next page.
      const remembered = attempt === 0 ? seen.get(subscriptionId) : undefined;
      const end = remembered ?? (await lastPage(subscriptionId));
      const outcomes = outcomesOf(records, await recordsKept(subscriptionId, ids));
      const byBatch = split(outcomes, batches);
      const added = batches.map((batch, index) =>
        batch.records.filter((_, place) => byBatch[index]?.[place] === 'added'),
      );
      const isNothing = added.every(({ length }) => length === 0);
      const events = batches.flatMap(({ eventsOf }, index) => eventsOf(added[index] ?? []));
      if (isNothing || (await write(end, added.flat(), events))) return byBatch;
      await wait(Math.random() * longestPause);
    }
    throw problem('conflict', 'Usage of the subscription is recorded by too many at once; try again');
  }, batchesInPage);

  return {
    async add(records, eventsOf) {
      const groups = Map.groupBy(records, ({ subscriptionId }) => subscriptionId);
      const outcomes = new Map<string, Iterator<UsageOutcome>>();
      const left = groups.entries();
      const work = async () => {
        for (const [subscriptionId, group] of left) {
          const found = await addTo(subscriptionId, { records: group, eventsOf });
          outcomes.set(subscriptionId, found.values());
        }
      };
      await Promise.all(Array.from({ length: Math.min(atOnce, groups.size) }, work));
      return records.map(({ subscriptionId }) => outcomes.get(subscriptionId)?.next().value);
    },
    async totals(subscriptionId, lastPeriod = Number.MAX_SAFE_INTEGER) {
      return totalsOf(await lastPage(subscriptionId), lastPeriod);
    },
  };
}

/** The driver reads 64 bits as a number where that is exact, and as an object of its own where it is not. */
function withBigInts(end: PageEnd): PageEnd {
  const totals = end.totals.map((total) => ({ ...total, quantity: BigInt(String(total.quantity)) }));
  return { ...end, totals };
}

function split(outcomes: UsageOutcome[], batches: Batch[]): UsageOutcome[][] {
  const left = outcomes.values();
  return batches.map(({ records }) => [...left.take(records.length)]);
}
