import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aggregatesContract } from '../events/aggregates.contract.ts';
import { newEvent } from '../events/new-event.ts';
import type { OutboxStore } from '../events/outbox.ts';
import { dueRun, register } from './due-runs.ts';
import { defineJob } from './job.ts';
import type { JobRecord, JobStore } from './job-record.ts';
import { claim, giveBack } from './run-steps.ts';

/** A connection to the store of a service. */
type Connection = { jobs: JobStore; outbox?: OutboxStore; close(): Promise<void> };

/** An empty store. */
export type OpenJobs = {
  store: Connection;
  /** Opens the same data once more; absent if the data is lost with the store. */
  openAgain?(): Connection | Promise<Connection>;
  /** Deletes the data after all connections are closed. */
  drop?(): Promise<void>;
};

/** A record with a value in every field that a record may have. */
const full: Required<JobRecord> = {
  id: 'billing-cycle',
  version: 1,
  plan: {
    schedule: 'R/2026-01-31T01:15:00/P1M',
    timeZone: 'Europe/Berlin',
    after: ['payments', 'users/clean-up'],
    catchUp: 'all',
    retries: 3,
    timeoutMs: 60_000,
  },
  registeredAt: 1_767_225_600_000,
  next: { n: 11, at: 1_798_675_200_000 },
  paused: true,
  run: {
    ...{ id: 12, cause: 'schedule', plannedAt: 1_796_000_000_000, startedAt: 1_796_000_000_017 },
    ...{ failures: 2, lost: 1, notBefore: 1_796_000_060_000, error: 'Zoë’s card 🚢 \u2028 "expired"' },
    checkpoint: {
      after: 'x',
      sums: [0, -1, 2.5, 2 ** 53 - 1],
      'a.b': null,
      $set: { $id: [true, {}] },
      '': 'a\0b',
    },
  },
  lease: { holder: 'replica-1', token: 14, ms: 15_000 },
  token: 14,
  lastRun: 12,
  succeeded: 10,
  failed: 1,
  lastSuccessAt: 1_793_000_000_000,
  parents: { payments: { seen: 4 }, 'users/clean-up': { seen: 7, reported: 9 } },
  runs: [
    {
      ...{ id: 11, cause: 'parents', plannedAt: 1, startedAt: 2, endedAt: 3, outcome: 'failed' },
      ...{ attempts: 4, error: 'not done within 60000 ms' },
    },
    { id: 10, cause: 'request', plannedAt: 0, startedAt: 0, endedAt: 0, outcome: 'succeeded', attempts: 1 },
  ],
  durations: [41, 0, 60_000],
};

const job = defineJob({
  name: 'hourly',
  schedule: 'R/2026-01-01T00:00:00/PT1H',
  run: () => Promise.resolve(),
});
const now = Date.parse('2026-01-01T00:00:00Z');

/**
 * The contract suite of job stores: what the replicas of a service rely on.
 *
 * @param publishes whether the successes of jobs are published, through the outbox of the store
 */
export function jobStoreContract(
  name: string,
  open: () => Promise<OpenJobs>,
  { publishes }: { publishes: boolean },
): void {
  const succeeded = newEvent('test', 'job.succeeded', { job: full.id, succeeded: 1 }, 'succeeded:1');
  aggregatesContract<JobRecord, unknown>(`jobs of ${name}`, () => openTwice(open, publishes), {
    first: { next: full, events: [] },
    also: {},
  });

  describe(`jobs: ${name}`, () => {
    let opened: Awaited<ReturnType<typeof openTwice>>;
    let jobs: JobStore;
    let other: JobStore;
    beforeEach(async () => {
      opened = await openTwice(open, publishes);
      [jobs, other] = opened.stores;
    });
    afterEach(() => opened.close());

    const add = (next: JobRecord) => jobs.add({ next, events: [] });
    const registered = () => register(undefined, job, now) as JobRecord;

    it('are listed with every field, sorted by name', async () => {
      expect(await jobs.list()).toEqual([]);
      for (const id of ['c', 'a', 'b']) await add({ ...full, id });
      const expected = ['a', 'b', 'c'].map((id) => ({ ...full, id }));
      expect(await jobs.list()).toStrictEqual(expected);
      expect(await other.list()).toStrictEqual(expected);
    });

    it('keep the order of the fields, by which a plan is compared with its definition', async () => {
      await add(full);
      expect(JSON.stringify(await other.get(full.id))).toBe(JSON.stringify(full));
      expect(JSON.stringify(await other.list())).toBe(JSON.stringify([full]));
    });

    it('are not listed after they were removed', async () => {
      await add(full);
      await jobs.replace({ next: { ...full, version: 2 }, events: opened.outbox ? [succeeded] : [] });
      await jobs.remove(full.id);
      expect(await other.list()).toEqual([]);
    });

    it('do not keep a field that the next version lacks', async () => {
      await add(full);
      const { run: _run, lease: _lease, ...rest } = full;
      const ended = { ...rest, version: 2, lease: undefined, run: undefined, parents: {}, next: undefined };
      await jobs.replace({ next: ended, events: [] });
      const { next: _next, ...expected } = { ...rest, version: 2, parents: {} };
      expect(await other.get(full.id)).toStrictEqual(expected);
      expect(await other.list()).toStrictEqual([expected]);
    });

    it('store a checkpoint as JSON does', async () => {
      const checkpoint = { at: new Date(0), lost: undefined, list: [undefined, Number.NaN] };
      await add({ ...full, run: { ...full.run, checkpoint } });
      const [stored] = await other.list();
      expect(stored?.run?.checkpoint).toStrictEqual(JSON.parse(JSON.stringify(checkpoint)));
    });

    it('are claimed by one of four replicas that find them due at the same time', async () => {
      for (const id of ['a', 'b', 'c']) await add({ ...registered(), id });
      const claimOf = async (store: JobStore, holder: string) => {
        const records = await store.list();
        const all = new Map(records.map((record) => [record.id, record]));
        const won: boolean[] = [];
        for (const record of records) {
          const run = dueRun(record, all, now);
          const next = run && !record.lease && claim(record, run, all, { holder, leaseMs: 1, now });
          won.push(next ? await store.replace({ next, events: [] }) : false);
        }
        return won;
      };
      const claims = await Promise.all(
        Array.from({ length: 4 }, (_, n) => claimOf(n % 2 ? other : jobs, `replica-${n}`)),
      );
      const wins = ['a', 'b', 'c'].map((_, n) => claims.filter((won) => won[n]).length);
      expect(wins).toEqual([1, 1, 1]);
      for (const { id, token, version, lease } of await jobs.list()) {
        const holder = `replica-${claims.findIndex((won) => won[['a', 'b', 'c'].indexOf(id)])}`;
        expect({ token, version, lease }).toEqual({
          token: 1,
          version: 2,
          lease: { holder, token: 1, ms: 1 },
        });
      }
    });

    it('are free again after a replica has given its lease back', async () => {
      const free = registered();
      const records = new Map([[free.id, free]]);
      const run = dueRun(free, records, now);
      if (!run) throw new Error('The job must be due');
      const claimed = claim(free, run, records, { holder: 'replica', leaseMs: 1, now });
      const lease = { holder: 'replica', token: 1, ms: 1 };
      await add(free);
      await jobs.replace({ next: claimed, events: [] });
      expect(await other.get(free.id)).toMatchObject({ lease });
      await jobs.replace({ next: giveBack(claimed, lease), events: [] });
      expect(await other.get(free.id)).not.toHaveProperty('lease');
    });

    it('are listed in any number', async () => {
      // A server returns 100 (MongoDB) or 300 (Datastore) at once, unless it is told to return more.
      const ids = Array.from({ length: 400 }, (_, n) => `job-${String(n).padStart(4, '0')}`);
      for (let n = 0; n < ids.length; n += 10) {
        await Promise.all(ids.slice(n, n + 10).map((id) => add({ ...full, id })));
      }
      const listed = await other.list();
      expect(listed.map(({ id }) => id)).toEqual(ids);
      expect(listed.at(-1)).toStrictEqual({ ...full, id: 'job-0399' });
    }, 60_000);

    it('publish nothing if their record has changed meanwhile', async ({ skip }) => {
      if (!opened.outbox) return skip();
      await add(full);
      const next = { ...full, version: 2 };
      const publish = () => jobs.replace({ next, events: [succeeded] });
      expect([await publish(), await publish()]).toEqual([true, false]);
      expect(await opened.outbox.pending(10)).toEqual([succeeded]);
    });

    it('reject events that nothing would deliver', async ({ skip }) => {
      if (opened.outbox) return skip();
      await expect(jobs.add({ next: full, events: [succeeded] })).rejects.toThrow('outbox');
      expect(await jobs.list()).toEqual([]);
    });

    it('are still there after all connections were closed', async ({ skip }) => {
      if (!opened.reopen) return skip();
      await add(full);
      const reopened = await opened.reopen();
      expect(await reopened.list()).toStrictEqual([full]);
    });
  });
}

/** Opens two connections to the same data, or one if there cannot be more. */
async function openTwice(open: () => Promise<OpenJobs>, publishes: boolean) {
  const { store, openAgain, drop } = await open();
  let connections = [store, (await openAgain?.()) ?? store] as const;
  const [first, second] = connections;
  const closeAll = () => Promise.all([...new Set(connections)].map((each) => each.close()));
  const stores: [JobStore, JobStore] = [first.jobs, second.jobs];
  return {
    stores,
    outbox: publishes ? second.outbox : undefined,
    reopen:
      openAgain &&
      (async () => {
        await closeAll();
        const reopened = await openAgain();
        connections = [reopened, reopened];
        return reopened.jobs;
      }),
    async close() {
      await closeAll();
      await drop?.();
    },
  };
}
