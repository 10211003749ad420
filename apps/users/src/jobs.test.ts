import type { JobAttempt } from '@slipway/platform/jobs/job';
import { attemptJob } from '@slipway/platform/testing/job-attempt';
import { expect, it, vi } from 'vitest';
import { usersJobs } from './jobs.ts';
import { rotateEvery } from './signing-keys.ts';
import { openParts, startUsers } from './testing/service.ts';

type Parts = Awaited<ReturnType<typeof openParts>>;

/** Makes an attempt of a job on the parts of a test. */
async function run(name: string, { store, keys }: Parts, given: Partial<JobAttempt> = {}) {
  const job = usersJobs({ ...store, keys }).find((each) => each.name === name);
  if (!job) throw new Error(`users has no job ${name}`);
  await attemptJob(job, given);
}

/** Adds sessions and login attempts that expire in so many milliseconds. */
async function addExpiring({ store }: Parts, ids: string[], ms: number) {
  const expiresAt = Date.now() + ms;
  const session = { accountId: 'a', passwordVersion: 1, tokenHash: '', refreshedAt: 0, version: 1 };
  const attempt = { failures: 1, lastAt: 0, version: 1 };
  for (const id of ids) {
    await store.sessions.add({ next: { ...session, id, expiresAt }, events: [] });
    await store.attempts.add({ next: { ...attempt, id, expiresAt }, events: [] });
  }
}

const many = Array.from({ length: 1_100 }, (_, n) => `old-${n}`);

it('expired sessions and login attempts are deleted, however many, and no others', async () => {
  const parts = await openParts();
  await addExpiring(parts, many, -1);
  await addExpiring(parts, ['new'], 60_000);
  await run('session-cleanup', parts);
  for (const store of [parts.store.sessions, parts.store.attempts]) {
    const left = await Promise.all([...many, 'new'].map((id) => store.get(id)));
    expect(left.flatMap((each) => each?.id ?? [])).toEqual(['new']);
  }
});

it('the clean-up stops between two steps when it is told to', async () => {
  const parts = await openParts();
  await addExpiring(parts, ['old'], -1);
  const signal = AbortSignal.abort(new Error('told'));
  await expect(run('session-cleanup', parts, { signal })).rejects.toThrow('told');
  expect(await parts.store.sessions.get('old')).toBeDefined();
});

it('a signing key that is too old is replaced, and no younger one', async () => {
  const parts = await openParts();
  await parts.keys.published();
  await run('signing-key-rotation', parts);
  expect(await parts.keys.published()).toHaveLength(1);
  parts.time.at += rotateEvery;
  await run('signing-key-rotation', parts);
  expect(await parts.keys.published()).toHaveLength(2);
});

it('all jobs run when the service has started for the first time', async () => {
  const users = await startUsers();
  const succeeded = async () =>
    (await users.store.jobs.list()).map((job) => `${job.id} ${job.succeeded}`).sort();
  await vi.waitFor(
    async () => expect(await succeeded()).toEqual(['session-cleanup 1', 'signing-key-rotation 1']),
    10_000,
  );
  await users.app.close();
});
