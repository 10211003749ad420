import { setTimeout as wait } from 'node:timers/promises';
import { problem } from '@slipway/contracts/errors';
import { backoff } from '@slipway/platform/core/backoff';
import { inGroups } from '@slipway/platform/core/group-commit';
import { BoundedMap } from '@slipway/platform/http/bounded-map';
import type { MongoStore } from '@slipway/store-mongodb/database';
import { isDuplicate } from '@slipway/store-mongodb/errors';
import type { MongoOutbox } from '@slipway/store-mongodb/outbox';
import type { UsageOutcome, UsageStore } from '../usage.ts';
import {
  type Draft,
  draftPage,
  type KeptRecord,
  keyOf,
  type Page,
  type PageEnd,
  type Share,
  totalsOf,
} from './mongodb-usage-pages.ts';

/**
 * Maximum number of attempts to write a page; each fails if another replica has written a page with the same number.
 */
const attempts = 20;
/** Delays between attempts; milliseconds. */
const delays = { base: 20, max: 80 };
/** Maximum number of subscriptions whose last page is cached. */
const maxCached = 10_000;
/** Number of concurrent writes. A subscription has one lane, so its writes do not conflict within a process. */
const lanes = 4;
/** Maximum number of records in one write. A small page can be changed quickly when its events are delivered. */
const maxRecords = 1_000;
/** Maximum number of last pages that one lane reads at the same time. */
const readsAtOnce = 10;

/**
 * Stores usage in pages. A page is a document with records of one subscription that were added together, the totals of
 * all pages up to this one, and the events about its records. After it is written, only its outbox changes. Pages are
 * numbered, and each number is used only once, so every page is based on all pages before it.
 */
export function mongoUsage({ collection, command }: MongoStore, outbox: MongoOutbox): UsageStore {
  const pages = collection<Page>('usage');
  /** Caches the last page that this process knows. If there is a newer one, the write fails and is repeated. */
  const seen = new BoundedMap<string, PageEnd>(maxCached);

  async function lastPage(subscriptionId: string): Promise<PageEnd> {
    const earlier = seen.get(subscriptionId) ?? noPage(subscriptionId);
    const notEarlier = { subscriptionId, number: { $gte: earlier.number } };
    const projection = { subscriptionId: 1, number: 1, totals: 1 };
    const found = await command((options) =>
      pages.findOne(notEarlier, { ...options, projection, sort: { number: -1 } }),
    );
    return found ? cache(withBigInts(found)) : earlier;
  }

  function cache({ subscriptionId, number, totals }: PageEnd): PageEnd {
    const end = { subscriptionId, number, totals };
    seen.set(subscriptionId, end);
    return end;
  }

  async function recordsKept(keys: string[]): Promise<Map<string, KeptRecord>> {
    const areWanted = { 'records.key': { $in: keys } };
    const pipeline = [
      { $match: areWanted },
      { $unwind: '$records' },
      { $match: areWanted },
      { $replaceRoot: { newRoot: '$records' } },
    ];
    const found = await command((options) => pages.aggregate<KeptRecord>(pipeline, options).toArray());
    return new Map(found.map((record) => [record.key, record]));
  }

  /** @returns the drafts that were not written, because another page has their number or one of their records. */
  async function write(drafts: Draft[]): Promise<Set<Draft>> {
    if (drafts.length === 0) return new Set();
    const events = drafts.flatMap((draft) => draft.events);
    const refused = await outbox.write(events, async (placed) => {
      const left = placed.values();
      const documents = drafts.map((draft) => ({
        ...draft.page,
        outbox: [...left.take(draft.events.length)],
      }));
      return unlessRefused(() =>
        command((options) => pages.insertMany(documents, { ...options, ordered: false })),
      );
    });
    for (const [index, { page }] of drafts.entries()) if (!refused.has(index)) cache(page);
    return new Set(drafts.filter((_, index) => refused.has(index)));
  }

  /** @param isFirst whether to use last pages that are cached, without reading them */
  async function draftPages(left: Map<string, Share[]>, isFirst: boolean): Promise<Draft[]> {
    // Reads pages before records: a page that is written in between has the number of the draft, whose write then
    // fails.
    const ends = new Map<string, PageEnd>();
    const toRead = left.keys();
    const read = async () => {
      for (const id of toRead) ends.set(id, (isFirst && seen.get(id)) || (await lastPage(id)));
    };
    await Promise.all(Array.from({ length: readsAtOnce }, read));
    const records = [...left.values()].flat().flatMap((share) => share.records);
    const kept = await recordsKept([...new Set(records.map(keyOf))]);
    return [...left].map(([id, shares]) => draftPage(ends.get(id) ?? noPage(id), shares, kept));
  }

  /** Adds shares, with one page for each subscription. Drafts and writes rejected pages again. */
  async function addShares(shares: Share[]): Promise<UsageOutcome[][]> {
    const outcomes = new Map<Share, UsageOutcome[]>();
    let left = Map.groupBy(shares, ({ subscriptionId }) => subscriptionId);
    for (let attempt = 0; attempt < attempts; attempt++) {
      const drafts = await draftPages(left, attempt === 0);
      const refused = await write(drafts.filter(({ page }) => page.records.length > 0));
      for (const draft of drafts) {
        if (refused.has(draft)) continue;
        for (const [index, share] of draft.shares.entries()) outcomes.set(share, draft.outcomes[index] ?? []);
      }
      if (refused.size === 0) return shares.map((share) => outcomes.get(share) ?? []);
      left = new Map([...refused].map((draft) => [draft.page.subscriptionId, draft.shares]));
      await wait(backoff(attempt, delays));
    }
    throw problem('overloaded', 'Too many concurrent requests record usage of this subscription; try again', {
      retryAfter: 1,
    });
  }

  const sizeOf = ({ records }: Share) => records.length;
  const adders = Array.from({ length: lanes }, () => inGroups({ maxSize: maxRecords, sizeOf }, addShares));

  return {
    async add(records, eventsOf) {
      const groups = [...Map.groupBy(records, ({ subscriptionId }) => subscriptionId)];
      const found = await Promise.all(
        groups.map(async ([subscriptionId, group]) => {
          const share = { subscriptionId, records: group, eventsOf };
          return [subscriptionId, (await laneOf(subscriptionId, adders)(share)).values()] as const;
        }),
      );
      const outcomes = new Map<string, Iterator<UsageOutcome>>(found);
      return records.map(({ subscriptionId }) => outcomes.get(subscriptionId)?.next().value);
    },
    async totals(subscriptionId) {
      return totalsOf(await lastPage(subscriptionId));
    },
  };
}

function laneOf<Lane>(subscriptionId: string, lanes: Lane[]): Lane {
  let hash = 0;
  for (let index = 0; index < subscriptionId.length; index++)
    hash = (31 * hash + subscriptionId.charCodeAt(index)) | 0;
  return lanes[Math.abs(hash) % lanes.length] as Lane;
}

function noPage(subscriptionId: string): PageEnd {
  return { subscriptionId, number: 0, totals: [] };
}

/**
 * Converts quantities to BigInt. The driver returns 64-bit integers as numbers if they are exact, and as objects if
 * not.
 */
function withBigInts(end: PageEnd): PageEnd {
  const totals = end.totals.map((total) => ({ ...total, quantity: BigInt(String(total.quantity)) }));
  return { ...end, totals };
}

/** The driver's error for a command that wrote only some of its documents. */
type PartlyWritten = {
  writeErrors?: { index: number; code: number }[];
  result?: { getWriteConcernError(): unknown };
};

/** @returns the indexes of the documents that a unique index rejected; all others are stored. */
async function unlessRefused(insert: () => Promise<unknown>): Promise<Set<number>> {
  try {
    await insert();
    return new Set();
  } catch (error) {
    const { writeErrors = [], result } = error as PartlyWritten;
    const isAll = writeErrors.length > 0 && writeErrors.every(isDuplicate);
    if (!isAll || result?.getWriteConcernError()) throw error;
    return new Set(writeErrors.map(({ index }) => index));
  }
}
