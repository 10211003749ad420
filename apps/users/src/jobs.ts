import { setImmediate as nextIteration } from 'node:timers/promises';
import { defineJob, type Job } from '@slipway/platform/jobs/job';
import type { AttemptStore } from './login-limit.ts';
import type { SessionStore } from './sessions.ts';
import type { SigningKeys } from './signing-keys.ts';

type CleanupParts = { sessions: SessionStore; attempts: AttemptStore };

/** Maximum number of sessions or attempts that are deleted in one step. */
const batchSize = 500;

/** Returns the jobs of the users service. */
export function usersJobs({ keys, ...stores }: CleanupParts & { keys: SigningKeys }): Job[] {
  return [sessionCleanup(stores), signingKeyRotation(keys)];
}

/** Deletes expired sessions and login attempts. On MongoDB, a TTL index deletes most of them first. */
function sessionCleanup({ sessions, attempts }: CleanupParts): Job {
  return defineJob({
    name: 'session-cleanup',
    schedule: 'R/2026-01-01T00:00:00/PT1H',
    timeoutMs: 10 * 60_000,
    async run({ signal, log }) {
      const now = Date.now();
      const deleted = {
        sessions: await deleteAll(sessions, now, signal),
        attempts: await deleteAll(attempts, now, signal),
      };
      log.info(deleted, 'expired sessions and login attempts deleted');
    },
  });
}

async function deleteAll(
  store: SessionStore | AttemptStore,
  now: number,
  signal: AbortSignal,
): Promise<number> {
  for (let deleted = 0; ; ) {
    signal.throwIfAborted();
    const count = await store.deleteExpired(now, batchSize);
    deleted += count;
    if (count < batchSize) return deleted;
    await nextIteration();
  }
}

/** Replaces the key that signs access tokens when it is too old. */
function signingKeyRotation(keys: SigningKeys): Job {
  return defineJob({
    name: 'signing-key-rotation',
    schedule: 'R/2026-01-01T02:45:00/P1D',
    run: () => keys.rotateIfDue(),
  });
}
