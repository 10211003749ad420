import { Counter, Gauge, Histogram } from 'prom-client';
import { gauge } from '../telemetry/declare.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { type Outcome, outcomes } from './attempt.ts';
import { nextTime, type Records } from './due-runs.ts';
import type { Job } from './job.ts';
import type { JobRecord } from './job-record.ts';

/** Upper bounds of the buckets in seconds: a job may take minutes. */
const durationBuckets = [0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 1_800];
const latenessBuckets = [0.1, 0.25, 0.5, 1, 5, 15, 60, 300, 3_600];

/** Declares the metrics of jobs. Those of the shared state are as of the last look of this replica. */
export function createJobMetrics({ registry }: Metrics, jobs: readonly Job[], leasesHeld: () => number) {
  const registers = [registry];
  const labelNames = ['job'] as const;
  const runs = new Counter({
    name: 'job_runs_total',
    help: 'Attempts of jobs by outcome; `retried`: failed, and another attempt follows; `failed`: failed, and none follows',
    labelNames: ['job', 'outcome'] as const,
    registers,
  });
  const duration = new Histogram({
    name: 'job_duration_seconds',
    help: 'Duration of an attempt of a job, whatever its outcome',
    labelNames,
    buckets: durationBuckets,
    registers,
  });
  const lateness = new Histogram({
    name: 'job_lateness_seconds',
    help: 'Time from the planned time of a run to its first attempt',
    labelNames,
    buckets: latenessBuckets,
    registers,
  });
  const state = stateGauges(registers);
  const held = { name: 'job_leases_held', help: 'Jobs that this replica is running' };
  gauge({ registry }, held, leasesHeld);
  for (const { name } of jobs) {
    for (const outcome of outcomes) runs.labels(name, outcome).inc(0);
    duration.zero({ job: name });
    lateness.zero({ job: name });
  }

  return {
    /** Counts a run that begins so many milliseconds after its planned time. */
    began(job: string, late: number): void {
      lateness.labels(job).observe(Math.max(0, late) / 1_000);
    },
    async attempt(job: string, work: () => Promise<Outcome>): Promise<void> {
      const startedAt = performance.now();
      const outcome = await work();
      duration.labels(job).observe((performance.now() - startedAt) / 1_000);
      runs.labels(job, outcome).inc();
    },
    /** Sets the gauges of the shared state. */
    update(records: Records, now: number): void {
      for (const { name } of jobs) {
        const record = records.get(name);
        if (record) state(record, records, now);
      }
    },
  };
}

function stateGauges(registers: Metrics['registry'][]) {
  const of = (name: string, help: string) =>
    new Gauge({ name, help, labelNames: ['job'] as const, registers });
  const overdue = of('job_overdue_seconds', 'How late a run is that is due and that no replica has begun');
  const failing = of('job_failing', '1 if the last run of a job failed, or its present run is retried');
  const lastSuccess = of(
    'job_last_success_timestamp_seconds',
    'Time of the last success of a job; 0 if there is none',
  );
  const registered = of('job_registered_timestamp_seconds', 'Time at which a job was registered first');
  const paused = of('job_paused', '1 if a job is paused');
  return (record: JobRecord, records: Records, now: number): void => {
    const { id: job, lease, run } = record;
    const due = lease ? undefined : nextTime(record, records);
    const isWaiting = due === undefined || due === 0;
    overdue.labels(job).set(isWaiting ? 0 : Math.max(0, now - due) / 1_000);
    failing.labels(job).set(Number((run?.failures ?? 0) > 0 || record.runs[0]?.outcome === 'failed'));
    lastSuccess.labels(job).set((record.lastSuccessAt ?? 0) / 1_000);
    registered.labels(job).set(record.registeredAt / 1_000);
    paused.labels(job).set(Number(record.paused));
  };
}
