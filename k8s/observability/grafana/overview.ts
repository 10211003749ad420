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

/** The first page to look at: is anything wrong, and where? */
export const overview: Dashboard = {
  uid: 'slipway-overview',
  title: 'Slipway: overview',
  help: 'Is anything wrong, and in which service? From left to right, from top to bottom.',
  rows: [
    row(
      'Is anything wrong?',
      stat('Replicas ready', 'short', query('sum by (service) (service_ready)', '{{service}}'), {
        width: 6,
        help: 'Replicas that take new traffic.',
        steps: worseBelow(1),
        runbook: 'service-unready',
      }),
      stat('Availability', 'percentunit', query(availability(''), '{{service}}'), {
        width: 6,
        help: 'Share of requests that did not fail, in the time shown. The objective is 99.9 % over 30 days.',
        steps: worseBelow(0.999, 0.9995),
        runbook: 'error-budget-burn',
      }),
      stat('Answered within 500 ms', 'percentunit', query(fastShare(''), '{{service}}'), {
        width: 6,
        help: 'Share of requests, in the time shown. The objective is 99 % over 30 days.',
        steps: worseBelow(0.99, 0.995),
        runbook: 'latency-budget-burn',
      }),
      stat('Alerts that fire', 'short', query('count(ALERTS{alertstate="firing"}) or vector(0)', 'all'), {
        width: 6,
        help: 'Beside it is what they say.',
        steps: worseAbove(1, 3),
      }),
      alerts('What they say', { width: 12, help: 'Each names its runbook.' }),
      graph('Error budget burn', 'short', query('service:http_errors:ratio1h / 0.001', '{{service}}'), {
        width: 12,
        help: '1 spends the budget of 30 days in 30 days; at 14.4 somebody is woken up.',
        steps: worseAbove(1, 14.4),
        runbook: 'error-budget-burn',
      }),
    ),
    row(
      'What users see',
      graph('Requests', 'reqps', query(requestRate('', 'service'), '{{service}}'), {
        help: 'All answers, those with errors too.',
      }),
      graph('Failed', 'percentunit', query(errorShare('', 'service'), '{{service}}'), {
        help: 'Share of 5xx, including those rejected for overload. What the caller did wrong (4xx) is not failed.',
        steps: worseAbove(0.001, 0.01),
        runbook: 'error-budget-burn',
      }),
      graph('Latency, 99th percentile', 's', withTraces(latency(0.99, '', 'service'), '{{service}}'), {
        help: 'One request in a hundred took longer. A dot is the trace of one request: click it.',
        steps: worseAbove(0.25, 0.5),
        runbook: 'latency-budget-burn',
      }),
    ),
    row(
      'What is nearly full',
      graph(
        'Event loop',
        'percentunit',
        query('max by (service) (nodejs_eventloop_utilization)', '{{service}}'),
        {
          help: 'Busy share of the busiest replica. Above 90 % requests wait for each other.',
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
          help: 'Of what the fullest replica may use. At 90 % it rejects requests.',
          max: 1,
          steps: worseAbove(0.7, 0.8),
          runbook: 'memory-nearly-used',
        },
      ),
      graph(
        'Oldest event on its way',
        's',
        query('max by (service) (outbox_oldest_event_age_seconds)', '{{service}}'),
        {
          help: 'How far reports are behind what has happened in a service.',
          steps: worseAbove(60, 300),
          runbook: 'outbox-stale',
        },
      ),
    ),
    row(
      'Who calls whom',
      table(
        'Calls between services, and to stores',
        'none',
        [
          { ...query(callRate('', 'service, dependency'), 'calls a second'), unit: 'cps' },
          { ...query(callErrorShare('', 'service, dependency'), 'failed'), unit: 'percentunit' },
        ],
        {
          width: 16,
          help: 'Who calls whom, how often, and what share of it fails. Where it is red is where to look.',
        },
      ),
      stat(
        'Dependencies up',
        'none',
        query('min by (service, dependency) (service_dependency_up)', '{{service}}: {{dependency}}'),
        {
          width: 8,
          help: 'What a service cannot work without.',
          names: yesNo,
          steps: worseBelow(1),
          runbook: 'dependency-down',
        },
      ),
    ),
  ],
};
