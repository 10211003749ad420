import { jobs } from './jobs.ts';
import { type Dashboard, graph, query, row, stat, states, worseAbove, yesNo } from './panels.ts';
import { callRate, rate, requestRate, share } from './promql.ts';

const breakerStates = {
  0: { text: 'closed', color: 'green' },
  1: { text: 'half-open', color: 'yellow' },
  2: { text: 'open', color: 'red' },
};

const rejectedCalls = rate(
  'dependency_calls_rejected_total',
  'reason!="retry_budget"',
  'service, dependency',
);

/** Shows the mechanisms that keep services up: drain, overload protection, retries, circuit breakers, event delivery. */
export const platform: Dashboard = {
  uid: 'slipway-platform',
  title: 'Slipway: platform',
  help: 'The mechanisms that keep the services up: rollouts, overload, calls, events, jobs, telemetry.',
  rows: [
    row(
      'Rollouts',
      states('Ready', 'none', query('service_ready', '{{service}} {{instance}}'), {
        help: 'In a rollout, a new replica is ready before an old one stops.',
        names: yesNo,
        runbook: 'service-unready',
      }),
      states('Experiment', 'none', query('service_experiment_running', '{{service}} {{instance}}'), {
        help: 'Somebody causes faults, or has switched the guards off, on purpose. It ends by itself.',
        names: { 0: { text: 'no', color: 'green' }, 1: { text: 'yes', color: 'orange' } },
      }),
      states('Draining', 'none', query('service_draining', '{{service}} {{instance}}'), {
        help: 'From the signal to stop until the process ends: the drain delay, then the requests in flight.',
        names: { 0: { text: 'no', color: 'green' }, 1: { text: 'yes', color: 'orange' } },
        runbook: 'drain-stuck',
      }),
      states('Scraped by Prometheus', 'none', query('up{job="slipway"}', '{{service}} {{instance}}'), {
        help: '`no`: the replica is gone, or too busy to answer.',
        names: yesNo,
        runbook: 'target-down',
      }),
      states(
        'Dependencies',
        'none',
        query('service_dependency_up', '{{service}} {{dependency}} {{instance}}'),
        {
          help: 'Whether the systems that a service needs respond within 500 ms.',
          names: yesNo,
          runbook: 'dependency-down',
        },
      ),
    ),
    row(
      'Overload',
      graph(
        'Rejected',
        'reqps',
        query(rate('http_server_requests_rejected_total', '', 'service, reason'), '{{service}} {{reason}}'),
        {
          help: 'By the guard that rejected them. `rate_limit` affects one client, the others affect all clients.',
          stacked: true,
          runbook: 'requests-shed',
        },
      ),
      graph(
        'Share rejected',
        'percentunit',
        query(
          share(rate('http_server_requests_rejected_total', '', 'service'), requestRate('', 'service')),
          '{{service}}',
        ),
        {
          help: 'Share of all requests.',
          steps: worseAbove(0.001, 0.01),
          runbook: 'requests-shed',
        },
      ),
      graph('Admission queue', 'short', query('max by (service) (admission_waiting)', '{{service}}'), {
        help: 'Requests in the admission queue of the replica with the longest queue. A few waiting requests are not overload.',
        runbook: 'requests-shed',
      }),
      graph('In flight', 'short', query('sum by (service) (http_server_requests_in_flight)', '{{service}}'), {
        help: 'Requests in flight, in all replicas.',
        runbook: 'requests-piling-up',
      }),
      graph(
        'Password hashes',
        'short',
        [
          query('sum(users_password_hashes_running)', 'running'),
          query('sum(users_password_hashes_waiting)', 'waiting'),
        ],
        {
          help: 'The most expensive work: about 20 ms of CPU each. A replica queues 64; with more, logins are rejected.',
        },
      ),
      graph(
        'Event loop',
        'percentunit',
        query('max by (service) (nodejs_eventloop_utilization)', '{{service}}'),
        {
          help: 'Share of time in which the busiest replica is busy.',
          max: 1,
          steps: worseAbove(0.7, 0.9),
          runbook: 'event-loop-saturated',
        },
      ),
      graph(
        'Waiting for a store connection',
        'short',
        query('sum by (service) (store_connections{state="waiting"}) or vector(0)', '{{service}}'),
        {
          help: 'Callers that wait for a connection. 0 with embedded stores.',
          runbook: 'store-connections-waiting',
        },
      ),
    ),
    row(
      'Calls between services',
      states(
        'Circuit breakers',
        'none',
        query('max by (service, dependency) (dependency_breaker_state)', '{{service}} → {{dependency}}'),
        {
          help: 'Open: more than half of the last 20 calls failed, and calls are rejected, except one trial call per second.',
          names: breakerStates,
          runbook: 'breaker-open',
        },
      ),
      graph(
        'Rejected calls',
        'cps',
        query(
          rate('dependency_calls_rejected_total', '', 'service, dependency, reason'),
          '{{service}} → {{dependency}} {{reason}}',
        ),
        {
          width: 12,
          help: '`breaker`: the breaker is open. `bulkhead`: all 256 slots are in use. `retry_budget`: no retries are left.',
          runbook: 'breaker-open',
        },
      ),
      graph(
        'Retries',
        'percentunit',
        query(
          share(
            rate('dependency_call_retries_total', '', 'service, dependency'),
            callRate('dependency!~"store|payment-provider"', 'service, dependency'),
          ),
          '{{service}} → {{dependency}}',
        ),
        {
          help: 'Share of the calls. The retry budget allows a tenth.',
          steps: worseAbove(0.05, 0.1),
        },
      ),
      graph(
        'Calls in flight',
        'short',
        query('sum by (service, dependency) (dependency_calls_in_flight)', '{{service}} → {{dependency}}'),
        {
          help: 'A replica has 256 slots for each service. A store has its own limit.',
          runbook: 'calls-piling-up',
        },
      ),
      graph(
        'Share of calls rejected',
        'percentunit',
        query(
          share(rejectedCalls, callRate('dependency!~"store|payment-provider"', 'service, dependency')),
          '{{service}} → {{dependency}}',
        ),
        {
          help: 'Calls that the breaker and the bulkhead rejected to protect a failing service.',
          runbook: 'breaker-open',
        },
      ),
    ),
    row(
      'Events',
      graph('Waiting', 'short', query('max by (service) (outbox_events_waiting)', '{{service}}'), {
        width: 6,
        help: 'Events in the outbox of each service.',
        runbook: 'outbox-stale',
      }),
      graph(
        'Age of the oldest',
        's',
        query('max by (service) (outbox_oldest_event_age_seconds)', '{{service}}'),
        {
          width: 6,
          help: 'How far the reports are behind.',
          steps: worseAbove(60, 300),
          runbook: 'outbox-stale',
        },
      ),
      graph(
        'Deliveries',
        'cps',
        query(rate('outbox_deliveries_total', '', 'service, outcome'), '{{service}} {{outcome}}'),
        {
          width: 6,
          help: 'Each delivery has one or more events.',
          runbook: 'dead-letters',
        },
      ),
      graph('Events received', 'cps', query(rate('reporting_events_total', '', 'outcome'), '{{outcome}}'), {
        width: 6,
        help: 'By reporting. A `duplicate` was delivered again because a response was lost; it changes nothing.',
        runbook: 'dead-letters',
      }),
    ),
    jobs(''),
    row(
      'Keys, telemetry',
      stat(
        'Age of the newest signing key',
        's',
        query('time() - max(signing_key_created_timestamp_seconds)', 'age'),
        {
          help: 'The key is replaced after 30 days.',
          steps: worseAbove(31 * 86_400, 45 * 86_400),
          runbook: 'signing-key-old',
        },
      ),
      graph(
        'Dropped spans',
        'cps',
        query(rate('otel_spans_dropped_total', '', 'service, reason'), '{{service}} {{reason}}'),
        {
          width: 6,
          help: 'The collector is unreachable, slow or full. Requests are not affected.',
          runbook: 'spans-dropped',
        },
      ),
      graph(
        'Scrape duration',
        's',
        query('max by (service) (scrape_duration_seconds{job="slipway"})', '{{service}}'),
        {
          width: 6,
          help: 'How long a service takes to return its metrics. Prometheus stops waiting after 5 s.',
          steps: worseAbove(1, 4),
        },
      ),
    ),
  ],
};
