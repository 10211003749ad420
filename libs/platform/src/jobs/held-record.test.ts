import { beforeEach, describe, expect, it } from 'vitest';
import { dueRun, register } from './due-runs.ts';
import { type HeldRecord, heldRecord } from './held-record.ts';
import { defineJob } from './job.ts';
import type { JobRecord, JobStore } from './job-record.ts';
import { memoryJobs } from './job-store.fixture.ts';
import { claim, renew, succeed } from './run-steps.ts';

const job = defineJob({
  name: 'daily',
  schedule: 'R/2026-01-01T01:15:00/P1D',
  run: async () => undefined,
});
const now = Date.parse('2026-11-28T12:00:00Z');

describe('a write of the holder of a lease', () => {
  let store: JobStore;
  let held: HeldRecord;
  let losesResponse: boolean;

  beforeEach(async () => {
    const jobs = memoryJobs();
    losesResponse = false;
    store = {
      ...jobs,
      async replace(change) {
        const replaced = await jobs.replace(change);
        if (losesResponse) throw new Error('connection lost');
        return replaced;
      },
    };
    const registered = register(undefined, job, now) as JobRecord;
    const records = new Map([[job.name, registered]]);
    const run = dueRun(registered, records, now);
    if (!run) throw new Error('The job must be due');
    const claimed = claim(registered, run, records, { holder: 'a', leaseMs: 15_000, now });
    await store.add({ next: claimed, events: [] });
    held = heldRecord(store, claimed, performance.now());
  });

  const renewal = (record: JobRecord) => ({ next: renew(record, held.lease) });
  const success = (record: JobRecord) => ({ next: succeed(record, held.lease, now) });

  async function writeWithoutResponse(rule: typeof renewal) {
    losesResponse = true;
    await expect(held.write(rule)).rejects.toThrow('connection lost');
    losesResponse = false;
  }

  it('is made once, even if the store has written it without a response', async () => {
    await writeWithoutResponse(success);
    await held.write(success);
    expect(await store.get('daily')).toMatchObject({ succeeded: 1 });
  });

  it('follows a renewal that the store has written without a response', async () => {
    await writeWithoutResponse(renewal);
    await held.write(success);
    expect(await store.get('daily')).toMatchObject({ succeeded: 1 });
  });

  it('is known to be made when renewals come before its repetition', async () => {
    await writeWithoutResponse(success);
    await writeWithoutResponse(renewal);
    await expect(held.write(renewal)).rejects.toThrow('another replica');
    expect(await held.write(success)).toMatchObject({ succeeded: 1 });
  });
});
