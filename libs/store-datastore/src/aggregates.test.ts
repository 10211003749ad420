import type { Aggregate } from '@slipway/platform/events/aggregates';
import { aggregatesContract, type OpenAggregates } from '@slipway/platform/events/aggregates.contract';
import { newEvent } from '@slipway/platform/events/new-event';
import { idempotencyContract } from '@slipway/platform/http/idempotency.contract';
import { fencedContract } from '@slipway/platform/jobs/fence.contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { datastoreAggregates, readPage } from './aggregates.ts';
import { openDatastore } from './database.ts';
import type { DatastoreStore } from './entities.ts';
import { datastoreIdempotency } from './idempotency.ts';
import { emulator, newNamespace } from './testing/emulator.ts';

type Note = Aggregate & { owner: string; at: string };

const kind = 'Note';
const notesIn = (store: DatastoreStore) =>
  datastoreAggregates<Note>({ store, kind, listed: ({ owner, at }) => ({ group: owner, at }) });
const noteOf = (id: string, owner = 'ada', at = '2026-01-01') => ({ id, version: 1, owner, at });

/** Two connections to one new namespace. */
async function open() {
  const { url, drop } = newNamespace();
  const stores = [await openDatastore(url, []), await openDatastore(url, [])] as const;
  return {
    stores,
    async close() {
      await Promise.all(stores.map((store) => store.close()));
      await drop();
    },
  };
}

describe.skipIf(!emulator)('on DATASTORE_EMULATOR_HOST', () => {
  const openNotes = async (): Promise<OpenAggregates<Note, unknown>> => {
    const { stores, close } = await open();
    return { stores: [notesIn(stores[0]), notesIn(stores[1])], close };
  };
  const sample = { first: { next: noteOf('1'), events: [] }, also: {} };
  aggregatesContract('datastore', openNotes, sample);
  fencedContract('datastore', openNotes, sample);

  idempotencyContract('datastore', async () => {
    const { stores, close } = await open();
    return { stores: [datastoreIdempotency(stores[0]), datastoreIdempotency(stores[1])], close };
  });

  describe('aggregates', () => {
    let opened: Awaited<ReturnType<typeof open>>;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened.close());

    it('are listed in both orders, page by page, without those of a group with a longer name', async () => {
      const [store] = opened.stores;
      const notes = [noteOf('a'), noteOf('b'), noteOf('__c__', 'ada', '2025-12-31'), noteOf('d', 'ada.2')];
      for (const next of notes) await notesIn(store).add({ next, events: [] });
      const ids = async (order: 'ascending' | 'descending', limit: number, after?: Note) =>
        (await readPage<Note>(store, { kind, group: 'ada', order, limit, after })).map(({ id }) => id);
      expect(await ids('ascending', 10)).toEqual(['__c__', 'a', 'b']);
      expect(await ids('ascending', 1, noteOf('a'))).toEqual(['b']);
      expect(await ids('descending', 2)).toEqual(['b', 'a']);
      expect(await ids('descending', 10, noteOf('b'))).toEqual(['a', '__c__']);
    });

    it('are not written if they cause events, which nobody would deliver', async () => {
      const [store] = opened.stores;
      const events = [newEvent('test', 'it.happened', {})];
      await expect(notesIn(store).add({ next: noteOf('a'), events })).rejects.toThrow('cannot cause events');
      await expect(notesIn(store).remove('a', { events })).rejects.toThrow('cannot cause events');
      expect(await store.find(kind, { limit: 1 })).toEqual([]);
    });
  });
});
