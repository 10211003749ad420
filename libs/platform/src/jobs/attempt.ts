import { setTimeout as wait } from 'node:timers/promises';
import type { DomainEvent } from '@slipway/contract-kit/event';
import { Problem } from '@slipway/contract-kit/problem';
import { backoff } from '../core/backoff.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import { LeaseLost } from './fence.ts';
import type { HeldRecord } from './held-record.ts';
import type { Job } from './job.ts';
import type { JobRecord } from './job-record.ts';
import { fail, giveBack, renew, saveCheckpoint, succeed } from './run-steps.ts';

/** How an attempt ended. `retried`: it failed, and another one follows; `failed`: it was the last one of its run. */
export const outcomes = ['succeeded', 'retried', 'failed', 'interrupted', 'lost'] as const;
export type Outcome = (typeof outcomes)[number];

export type AttemptParts = {
  job: Job;
  held: HeldRecord;
  log: Logger;
  tracing: Pick<Tracing, 'background'>;
  /** Returns the milliseconds since the epoch. */
  clock: () => number;
  /** Aborts when the service begins to drain. */
  draining: AbortSignal;
  /** Aborts when the service closes: an attempt that has not ended then is left alone. */
  closing: AbortSignal;
  /** Returns the events that are written with a success. */
  eventsOf: (succeeded: JobRecord) => DomainEvent[];
};

/** Delays before the next attempt of a run; milliseconds. */
const retryDelays = { base: 1_000, max: 60_000 };
/** Delays before the result of an attempt is written again, if the store is unreachable; milliseconds. */
const writeDelays = { base: 100, max: 1_000 };
/** Milliseconds that an aborted attempt has to end, before its lease is given up while it still runs. */
const abortGrace = 5_000;

/** Makes one attempt of a run, renews its lease meanwhile, and writes the result. */
export async function makeAttempt(parts: AttemptParts): Promise<Outcome> {
  const { job, held, log } = parts;
  const stop = new AbortController();
  const release = superviseAttempt(parts, stop);
  const startedAt = performance.now();
  try {
    stop.signal.throwIfAborted();
    const work = parts.tracing.background(`job ${job.name}`, [], () => run(parts, stop.signal));
    await untilAborted(work, stop.signal, parts.closing);
    await write(held, (record) => {
      const next = succeed(record, held.lease, parts.clock());
      return { next, events: parts.eventsOf(next) };
    });
    // Not `info`: a job may run every few seconds, and the record holds the last runs.
    log.debug({ job: job.name, ms: Math.round(performance.now() - startedAt) }, 'job succeeded');
    return 'succeeded';
  } catch (error) {
    return await writeFailure(parts, stop.signal, error);
  } finally {
    release();
  }
}

function run({ job, held, log }: AttemptParts, signal: AbortSignal): Promise<unknown> {
  const { run: open } = held.record;
  if (!open) throw new LeaseLost(job.name);
  const check = () => {
    if (performance.now() >= held.validUntil) throw new LeaseLost(job.name);
    if (signal.reason instanceof LeaseLost) throw signal.reason;
    // The attempt goes on although it has ended, for example by its time limit.
    if (held.record.lease?.token !== held.lease.token) throw new LeaseLost(job.name);
  };
  return job.run({
    plannedAt: new Date(open.plannedAt).toISOString(),
    attempt: open.failures + open.lost + 1,
    signal,
    log: log.child({ job: job.name }),
    checkpoint: open.checkpoint,
    async saveCheckpoint(checkpoint) {
      check();
      await held.write((record) => ({ next: saveCheckpoint(record, held.lease, checkpoint) }));
    },
    fence: { job: job.name, token: held.lease.token, check },
  });
}

/** Renews the lease, and aborts the attempt if it loses the lease, takes too long, or the service drains. */
function superviseAttempt({ job, held, log, draining }: AttemptParts, stop: AbortController): () => void {
  const tick = async () => {
    if (performance.now() >= held.validUntil) return stop.abort(new LeaseLost(job.name));
    try {
      await held.write((record) => ({ next: renew(record, held.lease) }));
    } catch (error) {
      if (error instanceof LeaseLost) stop.abort(error);
      else log.warn({ err: error, job: job.name }, 'the lease of a job was not renewed');
    }
  };
  const renewal = setInterval(tick, held.lease.ms / 3);
  const limit = setTimeout(() => stop.abort(new Error(`not done within ${job.timeoutMs} ms`)), job.timeoutMs);
  const drain = () => stop.abort(draining.reason);
  draining.addEventListener('abort', drain);
  // The service may have begun to drain while the lease was taken.
  if (draining.aborted) drain();
  return () => {
    clearInterval(renewal);
    clearTimeout(limit);
    draining.removeEventListener('abort', drain);
  };
}

/** Waits for work; if it does not end soon after the signal, rejects with the reason of the signal. */
async function untilAborted(
  work: Promise<unknown>,
  signal: AbortSignal,
  closing: AbortSignal,
): Promise<void> {
  const ended = new AbortController();
  const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  const overdue = aborted.then(async () => {
    const end = AbortSignal.any([ended.signal, closing]);
    await wait(abortGrace, undefined, { signal: end, ref: false }).catch(() => undefined);
    throw signal.reason;
  });
  // Work that ends after all is nobody's any more.
  overdue.catch(() => undefined);
  work.catch(() => undefined);
  try {
    await Promise.race([work, overdue]);
  } finally {
    ended.abort();
  }
}

async function writeFailure(parts: AttemptParts, signal: AbortSignal, error: unknown): Promise<Outcome> {
  const { job, held, log, clock, draining } = parts;
  const { name } = job;
  try {
    if (error instanceof LeaseLost || signal.reason instanceof LeaseLost) throw new LeaseLost(name);
    if (draining.aborted) {
      await write(held, (record) => ({ next: giveBack(record, held.lease) }));
      log.info({ job: name }, 'job interrupted: another replica goes on');
      return 'interrupted';
    }
    const cause = signal.aborted ? signal.reason : error;
    const delay = delayBefore(held.record);
    const next = await write(held, (record) => ({
      next: fail(record, held.lease, messageOf(cause), clock(), delay),
    }));
    const isLast = next.run === undefined;
    log[isLast ? 'error' : 'warn'](
      { err: cause, job: name },
      isLast ? 'job failed' : 'job failed and is retried',
    );
    return isLast ? 'failed' : 'retried';
  } catch (lost) {
    log.warn({ err: lost, job: name }, 'job lost: another replica may run it');
    return 'lost';
  }
}

function delayBefore({ run }: JobRecord): number {
  return backoff(run?.failures ?? 0, retryDelays);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Writes the result of an attempt, again and again while the store is unreachable and the lease is valid.
 *
 * @throws {LeaseLost} if the lease ends first.
 */
async function write(held: HeldRecord, rule: Parameters<HeldRecord['write']>[0]): Promise<JobRecord> {
  for (let retry = 0; ; retry++) {
    if (performance.now() >= held.validUntil) throw new LeaseLost(held.record.id);
    try {
      return await held.write(rule);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      await wait(backoff(retry, writeDelays), undefined, { ref: false });
    }
  }
}
