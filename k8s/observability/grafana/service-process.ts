import { graph, query, type Row, row, worseAbove } from './panels.ts';
import { rate } from './promql.ts';

/** What the process uses, what waits in it, and what it rejects. */
export function saturation(own: string): Row {
  return row(
    'The process: used, waiting, rejected',
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
        help: 'How late a turn of the loop comes. Node looks every 10 ms, so 0.01 is none.',
        steps: worseAbove(0.05, 0.2),
        runbook: 'event-loop-saturated',
      },
    ),
    graph('CPU', 'short', query(rate('process_cpu_seconds_total', own, 'instance'), '{{instance}}'), {
      width: 6,
      help: 'Cores in use. More than one: the garbage collector, passwords, compression.',
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
        help: 'Share of the time. A `major` part that grows is a heap that fills.',
        stacked: true,
      },
    ),
    graph('Requests in flight', 'short', query(`http_server_requests_in_flight{${own}}`, '{{instance}}'), {
      width: 6,
      help: 'By Little: rate times latency. Growing at an even rate, something behind it hangs.',
      steps: worseAbove(100, 200),
      runbook: 'requests-piling-up',
    }),
    graph(
      'Rejected to protect the service',
      'reqps',
      query(rate('http_server_requests_rejected_total', own, 'reason'), '{{reason}}'),
      {
        width: 6,
        help: 'By the guard that rejected them. `rate_limit` concerns one client, the others all clients.',
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
        help: 'Of those that the process may open.',
        steps: worseAbove(0.5, 0.8),
      },
    ),
  );
}
