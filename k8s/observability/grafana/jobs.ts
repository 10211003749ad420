import { graph, query, type Row, row, states, table, worseAbove } from './panels.ts';
import { rate } from './promql.ts';

/** The jobs of a service, or of all services. All replicas report the same state. */
export function jobs(own: string): Row {
  const state = (metric: string) => `max by (service, job) (${metric}{${own}})`;
  return row(
    'Jobs',
    table(
      'Jobs',
      'none',
      [
        { ...query(`${state('job_last_success_timestamp_seconds')} * 1000 > 0`, 'last success'), ...ago },
        { ...query(`${state('job_registered_timestamp_seconds')} * 1000 > 0`, 'registered'), ...ago },
        { ...query(state('job_overdue_seconds'), 'overdue'), unit: 's' },
        query(state('job_failing'), 'failing'),
        query(state('job_paused'), 'paused'),
      ],
      {
        width: 12,
        help: '`npm run jobs` also shows schedules, parents and the history. Without a last success, a job has never succeeded.',
        runbook: 'job-never-succeeded',
      },
    ),
    graph('Overdue', 's', query(state('job_overdue_seconds'), '{{service}}/{{job}}'), {
      width: 6,
      help: 'How late a run is that is due and that no replica has begun.',
      steps: worseAbove(60, 300),
      runbook: 'job-overdue',
    }),
    states('Failing', 'none', query(state('job_failing'), '{{service}}/{{job}}'), {
      width: 6,
      help: 'The last run failed, or the present run is retried after a failure.',
      names: { 0: { text: 'no', color: 'green' }, 1: { text: 'yes', color: 'red' } },
      runbook: 'job-failed',
    }),
    graph(
      'Attempts',
      'short',
      query(
        `sum by (service, job, outcome) (increase(job_runs_total{${own}}[$__rate_interval]))`,
        '{{service}}/{{job}} {{outcome}}',
      ),
      {
        width: 6,
        help: '`retried`: failed, and another attempt follows. `interrupted`: its replica stopped. `lost`: another replica took it over.',
        stacked: true,
        runbook: 'job-failed',
      },
    ),
    graph('Duration of an attempt', 's', query(mean('job_duration_seconds', own), '{{service}}/{{job}}'), {
      width: 6,
      help: 'Mean. `npm run jobs` shows percentiles of the last successful runs.',
    }),
    graph('Lateness', 's', query(mean('job_lateness_seconds', own), '{{service}}/{{job}}'), {
      width: 6,
      help: 'Mean time from the planned time of a run to its first attempt. A run that was caught up is late.',
      runbook: 'job-overdue',
    }),
    graph(
      'Leases held',
      'short',
      query(`sum by (service, instance) (job_leases_held{${own}})`, '{{service}} {{instance}}'),
      {
        width: 6,
        help: 'Jobs that a replica is running, of at most ten.',
      },
    ),
  );
}

/** Unit of a column with times. */
const ago = { unit: 'dateTimeFromNow' } as const;

const mean = (metric: string, own: string) =>
  `${rate(`${metric}_sum`, own, 'service, job')} / ${rate(`${metric}_count`, own, 'service, job')}`;
