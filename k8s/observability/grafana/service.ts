import { jobs } from './jobs.ts';
import { type Dashboard, query, type Row, row, stat, table, worseAbove, worseBelow } from './panels.ts';
import { availability, fastShare } from './promql.ts';
import { dependencies, outbox, store } from './service-calls.ts';
import { saturation } from './service-process.ts';
import { routes } from './service-routes.ts';

export type ServiceShape = {
  name: string;
  help: string;
  /** Whether it has a store. */
  hasStore: boolean;
  /** Whether it publishes events. */
  hasOutbox: boolean;
  /** Whether it runs jobs. */
  hasJobs: boolean;
};

/** Makes the dashboard of a service, from one template for all: objectives, routes (RED), process (USE), dependencies. */
export function serviceDashboard({ name, help, hasStore, hasOutbox, hasJobs }: ServiceShape): Dashboard {
  const own = `service="${name}"`;
  return {
    uid: `slipway-${name}`,
    title: `Slipway: ${name}`,
    help,
    rows: [
      objectives(own),
      routes(own),
      saturation(own),
      dependencies(own),
      ...(hasStore ? [store(own)] : []),
      ...(hasOutbox ? [outbox(own)] : []),
      ...(hasJobs ? [jobs(own)] : []),
    ],
  };
}

function objectives(own: string): Row {
  return row(
    'Objectives',
    stat('Replicas ready', 'short', query(`sum(service_ready{${own}})`, 'ready'), {
      help: 'Replicas that accept new traffic.',
      steps: worseBelow(1),
      runbook: 'service-unready',
    }),
    stat('Availability', 'percentunit', query(availability(own), 'not failed'), {
      help: 'In the selected time range. The objective is 99.9 % over 30 days.',
      steps: worseBelow(0.999, 0.9995),
      runbook: 'error-budget-burn',
    }),
    stat('Answered within 500 ms', 'percentunit', query(fastShare(own), 'fast'), {
      help: 'In the selected time range. The objective is 99 % over 30 days.',
      steps: worseBelow(0.99, 0.995),
      runbook: 'latency-budget-burn',
    }),
    stat(
      'Restarts',
      'short',
      query(`sum(changes(process_start_time_seconds{${own}}[$__range]))`, 'restarts'),
      {
        help: 'Processes that replaced another at the same address, in the selected time range.',
        steps: worseAbove(1, 3),
        runbook: 'restart-loop',
      },
    ),
    table('Versions', 'none', query(`count by (version, node) (build_info{${own}})`, 'replicas'), {
      width: 8,
      help: 'The number of replicas of each version. More than one row means that a rollout is in progress.',
    }),
  );
}
