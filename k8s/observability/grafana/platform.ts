import { type Dashboard, graph, query, row, stat, states, worseAbove, yesNo } from './panels.ts';
import { callRate, rate, requestRate, share } from './promql.ts';

const breakerStates = {
  0: { text: 'closed', color: 'green' },
  1: { text: 'half-open', color: 'yellow' },
  2: { text: 'open', color: 'red' },
};

const notCalled = rate('dependency_calls_rejected_total', 'reason!="retry_budget"', 'service, dependency');

/** How the mechanisms work that keep services up: drain, shed, retry, break, deliver. */
export const platform: Dashboard = {
  uid: 'slipway-platform',
  title: 'Slipway: platform',
  help: 'What keeps the services up, at work: rollouts, overload, calls, events, telemetry.',
  rows: [
    row(
      'Rollouts',
      states('Ready', 'none', query('service_ready', '{{service}} {{instance}}'), {
        help: 'In a rollout a new replica is ready before an old one leaves.',
        names: yesNo,
        runbook: 'service-unready',
      }),
      states('Draining', 'none', query('service_draining', '{{service}} {{instance}}'), {
        help: 'From the signal to stop until the end: the drain delay, and then what is in flight.',
        names: { 0: { text: 'no', color: 'green' }, 1: { text: 'yes', color: 'orange' } },
        runbook: 'drain-stuck',
      }),
      states('Answers to Prometheus', 'none', query('up{job="slipway"}', '{{service}} {{instance}}'), {
        help: 'A replica that is gone, or too busy to answer.',
        names: yesNo,
        runbook: 'target-down',
      }),
      states(
        'Dependencies',
        'none',
        query('service_dependency_up', '{{service}} {{dependency}} {{instance}}'),
        {
          help: 'Whether what a service cannot work without answers within 500 ms.',
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
          help: 'By the guard that rejected them. `rate_limit` concerns one client, the others all clients.',
          stacked: true,
          runbook: 'requests-shed',
        },
      ),
      graph(
        'Share that was rejected',
        'percentunit',
        query(
          share(rate('http_server_requests_rejected_total', '', 'service'), requestRate('', 'service')),
          '{{service}}',
        ),
        {
          help: 'Of all requests.',
          steps: worseAbove(0.001, 0.01),
          runbook: 'requests-shed',
        },
      ),
      graph('Waiting for their turn', 'short', query('max by (service) (admission_waiting)', '{{service}}'), {
        help: 'Requests that a replica has taken and not begun. More than a handful is overload.',
        runbook: 'requests-shed',
      }),
      graph('In flight', 'short', query('sum by (service) (http_server_requests_in_flight)', '{{service}}'), {
        help: 'Requests being served, in all replicas.',
        runbook: 'requests-piling-up',
      }),
      graph(
        'Passwords being checked',
        'short',
        [
          query('sum(users_password_hashes_running)', 'running'),
          query('sum(users_password_hashes_waiting)', 'waiting'),
        ],
        {
          help: 'The dearest work of all: some 20 ms of a core each. A replica lets 64 wait, then logins are refused.',
        },
      ),
      graph(
        'Event loop',
        'percentunit',
        query('max by (service) (nodejs_eventloop_utilization)', '{{service}}'),
        {
          help: 'Busy share of the busiest replica.',
          max: 1,
          steps: worseAbove(0.7, 0.9),
          runbook: 'event-loop-saturated',
        },
      ),
      graph(
        'Waiting for a connection to a store',
        'short',
        query('sum by (service) (store_connections{state="waiting"}) or vector(0)', '{{service}}'),
        {
          help: 'Callers. 0 where stores are embedded.',
          runbook: 'store-connections-waiting',
        },
      ),
    ),
    row(
      'Calls between services',
      states(
        'Breakers',
        'none',
        query('max by (service, dependency) (dependency_breaker_state)', '{{service}} → {{dependency}}'),
        {
          help: 'Open: more than half of the last 20 calls failed, and no more are made. Every second one tries again.',
          names: breakerStates,
          runbook: 'breaker-open',
        },
      ),
      graph(
        'Not called',
        'cps',
        query(
          rate('dependency_calls_rejected_total', '', 'service, dependency, reason'),
          '{{service}} → {{dependency}} {{reason}}',
        ),
        {
          width: 12,
          help: '`breaker`: it is open. `bulkhead`: 256 calls wait already. `retry_budget`: a retry that was one too many.',
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
          help: 'As a share of the calls; the budget allows a tenth.',
          steps: worseAbove(0.05, 0.1),
        },
      ),
      graph(
        'Calls in flight',
        'short',
        query('sum by (service, dependency) (dependency_calls_in_flight)', '{{service}} → {{dependency}}'),
        {
          help: 'Of 256 places of a replica for each service; a store has its own bounds.',
          runbook: 'calls-piling-up',
        },
      ),
      graph(
        'Calls that were not made',
        'percentunit',
        query(
          share(notCalled, callRate('dependency!~"store|payment-provider"', 'service, dependency')),
          '{{service}} → {{dependency}}',
        ),
        {
          help: 'As a share of the calls: what the breaker and the bulkhead kept away from a service in trouble.',
          runbook: 'breaker-open',
        },
      ),
    ),
    row(
      'Events',
      graph('Waiting', 'short', query('max by (service) (outbox_events_waiting)', '{{service}}'), {
        width: 6,
        help: 'In the outbox of each service.',
        runbook: 'outbox-stale',
      }),
      graph('Oldest', 's', query('max by (service) (outbox_oldest_event_age_seconds)', '{{service}}'), {
        width: 6,
        help: 'How far reports are behind.',
        steps: worseAbove(60, 300),
        runbook: 'outbox-stale',
      }),
      graph(
        'Deliveries',
        'cps',
        query(rate('outbox_deliveries_total', '', 'service, outcome'), '{{service}} {{outcome}}'),
        {
          width: 6,
          help: 'Of one or more events each.',
          runbook: 'dead-letters',
        },
      ),
      graph('Events taken', 'cps', query(rate('reporting_events_total', '', 'outcome'), '{{outcome}}'), {
        width: 6,
        help: 'By reporting. A `duplicate` is a delivery whose response was lost: it costs nothing but time.',
        runbook: 'dead-letters',
      }),
    ),
    row(
      'Jobs, keys, telemetry',
      graph(
        'Runs of jobs',
        'short',
        query(
          'sum by (service, name, outcome) (increase(job_runs_total[$__rate_interval]))',
          '{{name}} {{outcome}}',
        ),
        {
          help: 'How many have ended.',
          runbook: 'job-failed',
        },
      ),
      stat(
        'Age of the newest signing key',
        's',
        query('time() - max(signing_key_created_timestamp_seconds)', 'age'),
        {
          help: 'It is replaced after 30 days.',
          steps: worseAbove(31 * 86_400, 45 * 86_400),
          runbook: 'signing-key-old',
        },
      ),
      graph(
        'Spans that were lost',
        'cps',
        query(rate('otel_spans_dropped_total', '', 'service, reason'), '{{service}} {{reason}}'),
        {
          width: 6,
          help: 'The collector is away, slow or full. Requests do not notice.',
          runbook: 'spans-dropped',
        },
      ),
      graph(
        'Time of a scrape',
        's',
        query('max by (service) (scrape_duration_seconds{job="slipway"})', '{{service}}'),
        {
          width: 6,
          help: 'What it takes a service to tell its metrics. Prometheus gives up after 5 s.',
          steps: worseAbove(1, 4),
        },
      ),
    ),
  ],
};
