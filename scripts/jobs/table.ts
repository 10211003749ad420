import type { JobRun } from '@slipway/contract-kit/jobs';
import { aligned } from '../aligned.ts';
import { fullName, type ServiceJob } from './jobs.ts';

const heads = [
  ...['job', 'state', 'begins', 'next run', 'last run'],
  ...['succeeded', 'failed', 'p50', 'p75', 'p95', 'p99'],
];
const firstNumber = heads.indexOf('succeeded');

/**
 * Formats jobs as a table.
 *
 * @param now milliseconds since the epoch; times are shown relative to it
 */
export function jobsTable(jobs: ServiceJob[], now: number): string {
  const rows = jobs.map((job) => {
    const { durations } = job;
    const percentiles = [durations?.p50, durations?.p75, durations?.p95, durations?.p99];
    return [
      ...[fullName(job), job.state, beginOf(job)],
      ...[relative(job.nextRunAt, now), lastRunOf(job, now), String(job.succeeded), String(job.failed)],
      ...percentiles.map((ms) => (ms === undefined ? '' : duration(ms))),
    ];
  });
  return aligned([heads, ...rows], (column) => column >= firstNumber).join('\n');
}

function beginOf({ schedule, timeZone, parents }: ServiceJob): string {
  const zone = schedule && timeZone !== 'UTC' ? timeZone : '';
  const after = parents.length > 0 ? `after ${parents.join(', ')}` : '';
  return [schedule, zone, after].filter(Boolean).join(' ');
}

function lastRunOf({ lastRun }: ServiceJob, now: number): string {
  return lastRun ? `${lastRun.state} ${relative(lastRun.endedAt, now)}` : 'never';
}

const runHeads = ['run', 'state', 'cause', 'planned', 'started', 'took', 'attempts', 'error'];

/** Formats the history of a job as a table. */
export function runsTable(runs: JobRun[]): string {
  const rows = runs.map(({ id, state, cause, plannedAt, startedAt = '', endedAt, attempts, error = '' }) => {
    const took = endedAt && startedAt ? duration(Date.parse(endedAt) - Date.parse(startedAt)) : '';
    return [String(id), state, cause, plannedAt, startedAt, took, String(attempts), oneLine(error)];
  });
  return aligned([runHeads, ...rows], (column) => column === 0 || column === 5 || column === 6).join('\n');
}

/** An error of a database driver may have several lines. */
const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ');

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const;

const language = new Intl.RelativeTimeFormat('en', { numeric: 'always' });

/**
 * Formats a time as the largest whole unit between it and now.
 *
 * @example
 * relative('2026-01-01T12:00:00Z', Date.parse('2026-01-01T08:10:00Z')); // 'in 3 hours'
 */
export function relative(timestamp: string | undefined, now: number): string {
  if (timestamp === undefined) return '';
  const distance = Date.parse(timestamp) - now;
  const [unit, ms] = units.find(([, size]) => Math.abs(distance) >= size) ?? ['second', 1_000];
  const count = Math.trunc(distance / ms);
  return count === 0 ? 'now' : language.format(count, unit);
}

/**
 * Formats milliseconds with three significant digits at most.
 *
 * @example
 * duration(1_234); // '1.23 s'
 */
export function duration(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  if (ms < 60_000) return `${Number((ms / 1_000).toPrecision(3))} s`;
  if (ms < 3_600_000) return `${Number((ms / 60_000).toPrecision(3))} min`;
  return `${Number((ms / 3_600_000).toPrecision(3))} h`;
}
