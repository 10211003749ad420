import { graph, query, type Row, row, worseAbove } from './panels.ts';
import { rate } from './promql.ts';

/** The resources of the process: their use, the waiting requests, and the rejections. */
export function saturation(own: string): Row {
  return row(
    'Process',
    graph(
      'Event loop utilization',
      'percentunit',
      query(`nodejs_eventloop_utilization{${own}}`, '{{instance}}'),
      {
        width: 6,
        help: 'Above 90 % requests wait for each other.',
        max: 1,
        steps: worseAbove(0.7, 0.9),
        runbook: 'event-loop-saturated',
      },
    ),
    graph(
      'Event loop delay, 99th percentile',
      's',
      query(`nodejs_eventloop_lag_p99_seconds{${own}}`, '{{instance}}'),
      {
        width: 6,
        help: 'The delay of an event-loop iteration. Node samples every 10 ms, so 0.01 means no delay.',
        steps: worseAbove(0.05, 0.2),
        runbook: 'event-loop-saturated',
      },
    ),
    graph('CPU', 'short', query(rate('process_cpu_seconds_total', own, 'instance'), '{{instance}}'), {
      width: 6,
      help: 'Cores in use. Garbage collection, passwords and compression can use more than one.',
    }),
    graph(
      'Memory',
      'bytes',
      [
        query(`process_resident_memory_bytes{${own}}`, '{{instance}}'),
        query(`nodejs_heap_size_used_bytes{${own}}`, '{{instance}} heap'),
        query(`min(process_memory_limit_bytes{${own}})`, 'limit'),
      ],
      { width: 6, help: 'At 90 % of the limit, requests are rejected.', runbook: 'memory-nearly-used' },
    ),
    graph(
      'Garbage collection',
      'percentunit',
      query(rate('nodejs_gc_duration_seconds_sum', own, 'instance, kind'), '{{instance}} {{kind}}'),
      {
        width: 6,
        help: 'Share of the time. A growing `major` part means that the heap is filling up.',
        stacked: true,
      },
    ),
    graph('Requests in flight', 'short', query(`http_server_requests_in_flight{${own}}`, '{{instance}}'), {
      width: 6,
      help: "Rate times latency (Little's law). If it grows while the rate is constant, a dependency hangs.",
      steps: worseAbove(100, 200),
      runbook: 'requests-piling-up',
    }),
    graph(
      'Rejected to protect the service',
      'reqps',
      query(rate('http_server_requests_rejected_total', own, 'reason'), '{{reason}}'),
      {
        width: 6,
        help: 'By the guard that rejected them. `rate_limit` affects one client, the others affect all clients.',
        stacked: true,
        runbook: 'requests-shed',
      },
    ),
    graph(
      'Open files and sockets',
      'percentunit',
      query(`process_open_fds{${own}} / process_max_fds{${own}}`, '{{instance}}'),
      {
        width: 6,
        help: 'Share of those that the process may open.',
        steps: worseAbove(0.5, 0.8),
      },
    ),
  );
}
