/**
 * Stops replicas in the middle of a job, with real processes, on SQLite, and on MongoDB and Datastore where the
 * environment names a server.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWorkerStore, type WorkerStore } from './stores.ts';
import { type Question, startExaminer, startWorker, type Worker } from './workers.ts';

const { TEST_MONGODB_URL: mongodb, DATASTORE_EMULATOR_HOST: datastore } = process.env;

/** How long the lease of a job is; milliseconds. Other replicas look at it three times in that time. */
const leaseMs = 3_000;

const stores: [name: string, url: (folder: string) => string, isThere: boolean][] = [
  ['SQLite', (folder) => `sqlite:${folder}/jobs.db`, true],
  ['MongoDB', () => `${mongodb}/test-${randomUUID().slice(0, 13)}`, Boolean(mongodb)],
  ['Datastore', () => `datastore://slipway/test-${randomUUID().slice(0, 13)}`, Boolean(datastore)],
];

describe.for(stores.filter(([, , isThere]) => isThere))(
  'a job of replicas on %s',
  { timeout: 120_000 },
  ([, urlIn]) => {
    let folder: string;
    let url: string;
    let store: WorkerStore;
    let examiner: Awaited<ReturnType<typeof startExaminer>>;
    const workers: Worker[] = [];

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'slipway-'));
      url = urlIn(folder);
      examiner = await startExaminer();
      store = await openWorkerStore(url);
    });
    afterEach(async () => {
      for (const worker of workers.splice(0)) worker.kill('SIGKILL');
      await examiner.close();
      await store.close();
      rmSync(folder, { recursive: true });
    });

    async function start(settings: Record<string, string> = {}): Promise<Worker> {
      const env = { STORE_URL: url, EXAMINER_URL: examiner.url, JOB_LEASE_MS: String(leaseMs) };
      const emulator = { DATASTORE_EMULATOR_HOST: datastore ?? '', METADATA_SERVER_DETECTION: 'none' };
      const worker = await startWorker({ ...env, ...(datastore && emulator), ...settings });
      workers.push(worker);
      return worker;
    }

    const journal = async () => (await store.journals.get('journal'))?.steps ?? [];
    const record = () => store.jobs.get('steps');
    const succeeds = () => expect.poll(async () => (await record())?.succeeded, { timeout: 30_000 }).toBe(1);

    /** Answers the questions of the run until its last step, from a step on. */
    async function goOn(from: Question): Promise<Question[]> {
      const asked = [from];
      from.answer();
      while (asked.at(-1)?.step !== 4) {
        const question = await examiner.next(from.pid);
        question.answer();
        asked.push(question);
      }
      return asked;
    }

    /** Starts two replicas, and stops the run of the first after its second step. */
    async function startTwo(settings: Record<string, string> = {}) {
      const first = await start(settings);
      (await examiner.next()).answer();
      (await examiner.next()).answer();
      const pending = await examiner.next();
      expect(pending).toMatchObject({ step: 2, attempt: 1, pid: first.pid });
      const second = await start(settings);
      return { first, second, pending };
    }

    it('is continued from its checkpoint by another one after kill -9, when the lease has ended', async () => {
      const { first, second } = await startTwo();
      first.kill('SIGKILL');
      const killedAt = performance.now();
      const question = await examiner.next(second.pid);
      expect(performance.now() - killedAt).toBeGreaterThan(leaseMs / 2);
      expect(question).toMatchObject({ step: 2, attempt: 2 });
      await goOn(question);
      await succeeds();
      expect(await journal()).toEqual(['0', '1', '2', '3', '4']);
      expect((await record())?.runs).toMatchObject([{ outcome: 'succeeded', attempts: 2 }]);
    });

    it('is continued at once after SIGTERM, which does not delay the drain', async () => {
      const { first, second } = await startTwo();
      first.kill('SIGTERM');
      const toldAt = performance.now();
      const question = await examiner.next(second.pid);
      expect(performance.now() - toldAt).toBeLessThan(leaseMs);
      expect(question).toMatchObject({ step: 2, attempt: 1 });
      expect(await first.exited).toEqual({ code: 0, signal: null });
      expect(performance.now() - toldAt).toBeLessThan(leaseMs + 5_000);
      expect(first.lines.join()).toContain('job interrupted');
      await goOn(question);
      await succeeds();
      expect(await journal()).toEqual(['0', '1', '2', '3', '4']);
    });

    it('changes nothing any more when it was paused and its lease was taken', async () => {
      const { first, second, pending } = await startTwo();
      first.kill('SIGSTOP');
      await goOn(await examiner.next(second.pid));
      await succeeds();
      first.kill('SIGCONT');
      pending.answer();
      await expect.poll(() => first.lines.join(), { timeout: 30_000 }).toContain('job lost');
      expect(await journal()).toEqual(['0', '1', '2', '3', '4']);
      expect(await record()).toMatchObject({ succeeded: 1, failed: 0 });
    });

    it('does harm when it was paused, if it writes without its fencing token', async () => {
      const { first, second, pending } = await startTwo({ FENCED: 'false' });
      first.kill('SIGSTOP');
      await goOn(await examiner.next(second.pid));
      await succeeds();
      first.kill('SIGCONT');
      await goOn(pending);
      await expect.poll(() => first.lines.join(), { timeout: 30_000 }).toContain('job lost');
      expect((await journal()).filter((step) => step === '2').length).toBe(2);
    });
  },
);
