import {
  alerts,
  type Dashboard,
  graph,
  query,
  row,
  stat,
  table,
  withTraces,
  worseAbove,
  worseBelow,
  yesNo,
} from './panels.ts';
import {
  availability,
  callErrorShare,
  callRate,
  errorShare,
  fastShare,
  latency,
  requestRate,
} from './promql.ts';

/** The dashboard to open first. It shows whether something is wrong, and in which service. */
export const overview: Dashboard = {
  uid: 'slipway-overview',
  title: 'Slipway: overview',
  help: 'Is something wrong, and in which service? Read it from left to right and from top to bottom.',
  rows: [
    row(
      'Is something wrong?',
      stat('Replicas ready', 'short', query('sum by (service) (service_ready)', '{{service}}'), {
        width: 6,
        help: 'Replicas that accept new traffic.',
        steps: worseBelow(1),
        runbook: 'service-unready',
      }),
      stat('Availability', 'percentunit', query(availability(''), '{{service}}'), {
        width: 6,
        help: 'Share of requests that did not fail, in the selected time range. The objective is 99.9 % over 30 days.',
        steps: worseBelow(0.999, 0.9995),
        runbook: 'error-budget-burn',
      }),
      stat('Answered within 500 ms', 'percentunit', query(fastShare(''), '{{service}}'), {
        width: 6,
        help: 'Share of requests, in the selected time range. The objective is 99 % over 30 days.',
        steps: worseBelow(0.99, 0.995),
        runbook: 'latency-budget-burn',
      }),
      stat('Firing alerts', 'short', query('count(ALERTS{alertstate="firing"}) or vector(0)', 'all'), {
        width: 6,
        help: 'The next panel lists them.',
        steps: worseAbove(1, 3),
      }),
      alerts('Alerts', { width: 12, help: 'Each alert names its runbook.' }),
      graph('Error budget burn', 'short', query('service:http_errors:ratio1h / 0.001', '{{service}}'), {
        width: 12,
        help: 'At 1 the budget of 30 days lasts for exactly 30 days. From 14.4 the alert is a page.',
        steps: worseAbove(1, 14.4),
        runbook: 'error-budget-burn',
      }),
    ),
    row(
      'What users see',
      graph('Requests', 'reqps', query(requestRate('', 'service'), '{{service}}'), {
        help: 'All responses, including errors.',
      }),
      graph('Failed', 'percentunit', query(errorShare('', 'service'), '{{service}}'), {
        help: 'Share of 5xx, including rejections for overload. Client errors (4xx) do not count.',
        steps: worseAbove(0.001, 0.01),
        runbook: 'error-budget-burn',
      }),
      graph('Latency, 99th percentile', 's', withTraces(latency(0.99, '', 'service'), '{{service}}'), {
        help: 'One request in a hundred took longer. Click a dot to open the trace of one request.',
        steps: worseAbove(0.25, 0.5),
        runbook: 'latency-budget-burn',
      }),
    ),
    row(
      'Resources',
      graph(
        'Event loop',
        'percentunit',
        query('max by (service) (nodejs_eventloop_utilization)', '{{service}}'),
        {
          help: 'Share of time in which the busiest replica is busy. Above 90 % requests wait for each other.',
          max: 1,
          steps: worseAbove(0.7, 0.9),
          runbook: 'event-loop-saturated',
        },
      ),
      graph(
        'Memory',
        'percentunit',
        query('max by (service) (process_resident_memory_bytes / process_memory_limit_bytes)', '{{service}}'),
        {
          help: 'Share of the memory limit, for the replica that uses most. At 90 % it rejects requests.',
          max: 1,
          steps: worseAbove(0.7, 0.8),
          runbook: 'memory-nearly-used',
        },
      ),
      graph(
        'Age of the oldest undelivered event',
        's',
        query('max by (service) (outbox_oldest_event_age_seconds)', '{{service}}'),
        {
          help: 'How far the reports are behind the service.',
          steps: worseAbove(60, 300),
          runbook: 'outbox-stale',
        },
      ),
    ),
    row(
      'Calls',
      table(
        'Calls between services, and to stores',
        'none',
        [
          { ...query(callRate('', 'service, dependency'), 'calls per second'), unit: 'cps' },
          { ...query(callErrorShare('', 'service, dependency'), 'failed'), unit: 'percentunit' },
        ],
        {
          width: 16,
          help: 'The rate of calls and the share that fails, by caller and dependency.',
        },
      ),
      stat(
        'Dependencies up',
        'none',
        query('min by (service, dependency) (service_dependency_up)', '{{service}}: {{dependency}}'),
        {
          width: 8,
          help: 'Whether the systems that a service needs respond.',
          names: yesNo,
          steps: worseBelow(1),
          runbook: 'dependency-down',
        },
      ),
    ),
  ],
};
