import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { DomainEvent } from '@slipway/contract-kit/event';
import { backoff } from '../core/backoff.ts';
import { newEvent } from '../events/new-event.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import { makeAttempt } from './attempt.ts';
import { dueRun, nextTime, type Records, skipMissed } from './due-runs.ts';
import { heldRecord } from './held-record.ts';
import type { Job } from './job.ts';
import { createJobMetrics } from './job-metrics.ts';
import type { JobRecord, JobStore } from './job-record.ts';
import { watchLeases } from './lease-watch.ts';
import { createReader } from './readable-records.ts';
import { registerAll } from './registration.ts';
import { abandon, claim, dropLease } from './run-steps.ts';

export type LoopOptions = {
  /** The name of the service, which is the source of its events. */
  service: string;
  jobs: readonly Job[];
  store: JobStore;
  log: Logger;
  metrics: Metrics;
  tracing: Pick<Tracing, 'background'>;
  /** How long a replica may be silent before another one takes its job over; milliseconds. */
  leaseMs?: number;
  /** The jobs whose successes are published as the event `job.succeeded`, for jobs of other services that run after. */
  publishes?: readonly string[];
  /** Returns the milliseconds since the epoch. */
  clock?: () => number;
};

export type JobLoop = {
  /** Begins to run jobs. */
  start(): void;
  /** Looks for due runs at once. */
  wake(): void;
  /** Begins no further run, and tells the attempts of this process to end. */
  drain(): void;
  /** Waits for the attempts to end, and for their leases to be given back; about a second at most. */
  stop(): Promise<void>;
};

const defaultLease = 15_000;
/** Maximum number of jobs that a process runs at the same time. */
const maxRunning = 10;
/** Maximum number of records that a process changes before it reads all records again. */
const maxWrites = 10;
/** Maximum delay before a process begins what is due, so that not all replicas try it at once; milliseconds. */
const spread = 250;
/** Delays while the store is unreachable; milliseconds. */
const delays = { base: 500, max: 5_000 };
/** Milliseconds that a stop waits for attempts to end, and then for their results to be written. */
const stopWithin = { attempts: 500, results: 500 };

/** Creates the loop that runs the jobs of a service on this replica. All replicas run the same loop. */
export function createJobLoop(options: LoopOptions): JobLoop {
  const { store, log, leaseMs = defaultLease, clock = Date.now } = options;
  const holder = randomUUID();
  const pollInterval = leaseMs / 3;
  const draining = new AbortController();
  const closing = new AbortController();
  const running = new Map<string, Promise<unknown>>();
  const leases = watchLeases();
  const readable = createReader(log);
  const measured = createJobMetrics(options.metrics, options.jobs, () => running.size);
  let wakeUp = new AbortController();
  let loop: Promise<void> | undefined;

  async function run(): Promise<void> {
    let isRegistered = false;
    for (let failures = 0; !draining.signal.aborted; ) {
      try {
        if (!isRegistered) await registerAll(options.jobs, store, clock());
        isRegistered = true;
        await pause(await look());
        failures = 0;
      } catch (error) {
        const ms = backoff(failures++, delays);
        log.warn({ err: error, retryInMs: Math.round(ms) }, 'jobs cannot be read');
        await pause(ms);
      }
    }
  }

  /** Begins what is due. @returns milliseconds until the next look */
  async function look(): Promise<number> {
    const records = readable(await store.list());
    measured.update(records, clock());
    const free = shuffled(options.jobs).flatMap((job) => ownedBy(job, records));
    let writes = 0;
    for (const { job, record } of free) {
      if (draining.signal.aborted) break;
      // An attempt that ends wakes the loop.
      if (running.size >= maxRunning) return pollInterval;
      // Other replicas have taken some of the rest meanwhile.
      if (writes === maxWrites) return 0;
      const next = nextOf(record, records);
      if (!next) continue;
      const sentAt = performance.now();
      if (!(await store.replace({ next, events: [] }))) return 0;
      writes += 1;
      if (!next.lease) continue;
      if (record.run?.startedAt === undefined) measured.began(job.name, lateness(next));
      begin(job, next, sentAt);
    }
    return untilNext(records);
  }

  /** Returns the job with its record if no replica holds it. */
  function ownedBy(job: Job, records: Records): { job: Job; record: JobRecord }[] {
    const record = records.get(job.name);
    const isFree = record && !running.has(job.name) && leases.left(record) === 0;
    return isFree ? [{ job, record }] : [];
  }

  /** Returns what to write for a job that no replica holds: with a lease if a run is due; `undefined` if nothing. */
  function nextOf(record: JobRecord, records: Records): JobRecord | undefined {
    const now = clock();
    const skipped = (record.lease && abandon(record, now)) ?? skipMissed(record, now);
    if (skipped) return skipped;
    const due = dueRun(record, records, now);
    if (due) return claim(record, due, records, { holder, leaseMs, now });
    return record.lease && dropLease(record);
  }

  function begin(job: Job, next: JobRecord, takenAt: number): void {
    const attempt = measured
      .attempt(job.name, () => makeAttempt({ ...attemptParts(job), held: heldRecord(store, next, takenAt) }))
      .catch((error) => log.error({ err: error, job: job.name }, 'an attempt of a job cannot be ended'))
      .finally(() => {
        running.delete(job.name);
        wake();
      });
    running.set(job.name, attempt);
  }

  function attemptParts(job: Job) {
    const { tracing } = options;
    return { job, log, tracing, clock, draining: draining.signal, closing: closing.signal, eventsOf };
  }

  function eventsOf({ id: job, succeeded }: JobRecord): DomainEvent[] {
    const { service, publishes = [] } = options;
    if (!publishes.includes(job)) return [];
    return [
      newEvent(service, 'job.succeeded', { job, succeeded }, `job.succeeded:${service}:${job}:${succeeded}`),
    ];
  }

  /** Returns the milliseconds until a run is due or a lease ends; at most the poll interval. */
  function untilNext(records: Records): number {
    const now = clock();
    const waits = options.jobs.flatMap(({ name }) => {
      const record = records.get(name);
      if (!record || running.has(name)) return [];
      return record.lease
        ? leases.left(record)
        : (nextTime(record, records) ?? Number.POSITIVE_INFINITY) - now;
    });
    const ms = Math.min(...waits, pollInterval);
    return ms < pollInterval ? Math.max(0, ms) + Math.random() * spread : ms;
  }

  async function pause(ms: number): Promise<void> {
    await wait(ms, undefined, { signal: wakeUp.signal, ref: false }).catch(() => undefined);
    wakeUp = new AbortController();
  }

  function wake(): void {
    wakeUp.abort();
  }

  function drain(): void {
    draining.abort(new Error('the service stops'));
    wake();
  }

  return {
    start() {
      loop ??= run();
    },
    wake,
    drain,
    async stop() {
      drain();
      const ended = () => Promise.all([loop, ...running.values()]);
      await Promise.race([ended(), wait(stopWithin.attempts, undefined, { ref: false })]);
      closing.abort();
      await Promise.race([ended(), wait(stopWithin.results, undefined, { ref: false })]);
    },
  };
}

/** Returns how much later than planned a run begins; milliseconds. */
function lateness({ run }: JobRecord): number {
  return run?.startedAt === undefined ? 0 : run.startedAt - run.plannedAt;
}

/** Returns the items in random order, so that replicas do not all begin with the same job. */
function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);
}
