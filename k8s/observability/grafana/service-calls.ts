import { graph, query, type Row, row, worseAbove } from './panels.ts';
import { callErrorShare, callLatency, callRate, join, rate } from './promql.ts';

/** The dependencies that the service calls. */
export function dependencies(own: string): Row {
  return row(
    'Dependencies',
    graph('Calls', 'cps', query(callRate(own, 'dependency'), '{{dependency}}'), {
      width: 6,
      help: 'A call and its retries count as one.',
    }),
    graph('Failed', 'percentunit', query(callErrorShare(own, 'dependency'), '{{dependency}}'), {
      width: 6,
      help: 'Errors, 5xx and timeouts. A response such as 404 is not a failure.',
      steps: worseAbove(0.001, 0.01),
      runbook: 'breaker-open',
    }),
    graph('Latency, 95th percentile', 's', query(callLatency(0.95, own, 'dependency'), '{{dependency}}'), {
      width: 6,
      help: 'Including retries.',
    }),
    graph(
      'In flight',
      'short',
      query(`sum by (dependency) (dependency_calls_in_flight{${own}})`, '{{dependency}}'),
      {
        width: 6,
        help: 'A replica makes at most 256 calls to a service at a time; further calls are rejected.',
        runbook: 'calls-piling-up',
      },
    ),
    graph(
      'Calls by operation',
      'cps',
      query(
        callRate(join(own, 'dependency!="store"'), 'dependency, operation, outcome'),
        '{{dependency}} {{operation}} {{outcome}}',
      ),
      {
        width: 12,
        help: 'Calls to other services, by outcome.',
      },
    ),
    graph(
      'Retries and rejected calls',
      'cps',
      [
        query(rate('dependency_call_retries_total', own, 'dependency'), '{{dependency}} retried'),
        query(
          rate('dependency_calls_rejected_total', own, 'dependency, reason'),
          '{{dependency}} {{reason}}',
        ),
      ],
      {
        width: 12,
        help: 'Retries are limited to a tenth of the calls (`retry_budget`), calls by the breaker and 256 slots (`bulkhead`).',
        runbook: 'breaker-open',
      },
    ),
  );
}

/** The store of the service. */
export function store(own: string): Row {
  const inStore = join(own, 'dependency="store"');
  return row(
    'Store',
    graph('Operations', 'cps', query(callRate(inStore, 'operation'), '{{operation}}'), {
      width: 6,
      help: 'Methods of the store. Each sends one or a few commands.',
      stacked: true,
    }),
    graph(
      'Latency by operation, 95th percentile',
      's',
      query(callLatency(0.95, inStore, 'operation'), '{{operation}}'),
      {
        width: 6,
        help: 'Measured by the service, including the wait for a connection.',
      },
    ),
    graph(
      'Failed',
      'cps',
      query(
        `${callRate(join(inStore, 'outcome="error"'), 'operation')} or 0 * ${callRate(inStore, 'operation')}`,
        '{{operation}}',
      ),
      {
        width: 6,
        help: 'Errors of the store. Rejections, such as a name that is taken, do not count.',
        runbook: 'dependency-down',
      },
    ),
    graph(
      'Connections',
      'short',
      query(`sum by (state) (store_connections{${own}}) or vector(0)`, '{{state}}'),
      {
        width: 6,
        help: '`waiting` callers mean that the pool is too small or the server too slow. An embedded store shows 0.',
        runbook: 'store-connections-waiting',
      },
    ),
  );
}

/** The events that the service publishes. */
export function outbox(own: string): Row {
  return row(
    'Published events',
    graph('Waiting', 'short', query(`max(outbox_events_waiting{${own}})`, 'events'), {
      help: 'All replicas share one outbox.',
      runbook: 'outbox-stale',
    }),
    graph('Age of the oldest', 's', query(`max(outbox_oldest_event_age_seconds{${own}})`, 'age'), {
      help: 'How long the oldest event has been waiting.',
      steps: worseAbove(60, 300),
      runbook: 'outbox-stale',
    }),
    graph('Deliveries', 'cps', query(rate('outbox_deliveries_total', own, 'outcome'), '{{outcome}}'), {
      help: 'Each delivery has one or more events. `rejected`: the reader rejected an event; it waits, and others overtake it.',
      runbook: 'dead-letters',
    }),
  );
}
