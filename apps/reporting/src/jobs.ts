import { Problem } from '@slipway/contract-kit/problem';
import type { ProblemCode } from '@slipway/contracts/errors';
import { defineJob, type Job, type JobAttempt } from '@slipway/platform/jobs/job';
import type { EventPages } from './analytics/event-pages.ts';
import { type Analytics, type ExportOptions, exportEvents } from './analytics/export.ts';
import type { FigureStore } from './figures.ts';
import { finishRebuild, type Recount } from './rebuild.ts';

/** The snapshot that an attempt counts into, and whether the figures were wrong; a later attempt starts from them. */
type Checkpoint = { snapshot: number; differed?: boolean };

/** Returns the jobs of reporting. Without a folder for them, events are not exported. */
export function reportingJobs(store: FigureStore & EventPages, analytics?: Analytics): Job[] {
  const checks = [figuresCheck(store)];
  return analytics ? [...checks, eventExport({ store, ...analytics })] : checks;
}

/**
 * Exports the events that were stored since the last export, so that questions about all events have new answers. An
 * attempt that is stopped leaves what it has read in the folder, and the next one goes on there, on any replica.
 */
function eventExport(options: ExportOptions): Job {
  return defineJob({
    name: 'event-export',
    schedule: 'R/2026-01-01T03:30:00/P1D',
    timeoutMs: 60 * 60_000,
    async run({ signal, fence: { check }, log }) {
      const { number, events } = await exportEvents({ ...options, signal, check });
      log.info({ export: number, events }, 'events exported');
    },
  });
}

/**
 * Compares the figures with a recount of the stored events, after each billing cycle. A recount replaces wrong figures.
 * The run fails nevertheless, and so do its further attempts: only a defect makes figures wrong, and somebody must look
 * for it.
 */
function figuresCheck(store: FigureStore): Job {
  return defineJob({
    name: 'figures-check',
    after: ['billing/billing-cycle'],
    timeoutMs: 60 * 60_000,
    async run(attempt) {
      const checkpoint = attempt.checkpoint as Checkpoint | undefined;
      if (!checkpoint?.differed) {
        const { snapshot, equal } = await recount(store, attempt, checkpoint);
        if (equal) return;
        await attempt.saveCheckpoint({ snapshot, differed: true } satisfies Checkpoint);
      }
      throw new Error('the figures differed from a recount of the events, which replaced them');
    },
  });
}

async function recount(
  store: FigureStore,
  { signal, log, saveCheckpoint }: JobAttempt,
  checkpoint: Checkpoint | undefined,
): Promise<Checkpoint & { equal: boolean }> {
  const continued = checkpoint && (await continueRebuild(store, checkpoint.snapshot, signal));
  const snapshot = continued ? checkpoint.snapshot : await store.beginRebuild();
  if (!continued) await saveCheckpoint({ snapshot } satisfies Checkpoint);
  const { events, equal } = continued ?? (await finishRebuild(store, snapshot, signal));
  log.info({ events, equal }, 'figures compared with a recount');
  return { snapshot, equal };
}

/** Does what an earlier attempt has left; returns `undefined` if another rebuild has begun since. */
async function continueRebuild(
  store: FigureStore,
  snapshot: number,
  signal: AbortSignal,
): Promise<Recount | undefined> {
  try {
    return await finishRebuild(store, snapshot, signal);
  } catch (error) {
    if (error instanceof Problem && error.code === ('conflict' satisfies ProblemCode)) return undefined;
    throw error;
  }
}
