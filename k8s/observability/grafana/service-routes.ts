import { graph, heatmap, query, type Row, row, withTraces, worseAbove } from './panels.ts';
import { errorShare, join, latency, latencyBuckets, requestRate } from './promql.ts';

/** Rate, errors and duration of each route. */
export function routes(own: string): Row {
  return row(
    'Requests by route',
    graph('Rate', 'reqps', query(requestRate(own, 'method, route'), '{{method}} {{route}}'), {
      help: '`unmatched` are requests without a route.',
      stacked: true,
    }),
    graph(
      'Failed',
      'reqps',
      query(
        requestRate(join(own, 'status=~"5.."'), 'method, route, status'),
        '{{status}} {{method}} {{route}}',
      ),
      {
        help: 'Responses with 5xx per second.',
        runbook: 'error-budget-burn',
      },
    ),
    graph('Responses by status', 'reqps', query(requestRate(own, 'status'), '{{status}}'), {
      help: 'A sudden rise of 4xx is a client that has changed, or an attack.',
      stacked: true,
    }),
    graph(
      'Latency by route, 95th percentile',
      's',
      query(latency(0.95, own, 'method, route'), '{{method}} {{route}}'),
      {
        width: 12,
        help: 'One request in twenty took longer.',
        steps: worseAbove(0.25, 0.5),
        runbook: 'latency-budget-burn',
      },
    ),
    heatmap('Latency distribution', 's', withTraces(latencyBuckets(own), '{{le}}'), {
      help: 'Two bands are two kinds of requests. Click a dot to open the trace of a request.',
    }),
    graph(
      'Latency',
      's',
      [
        withTraces(latency(0.99, own, ''), 'p99'),
        query(latency(0.95, own, ''), 'p95'),
        query(latency(0.5, own, ''), 'p50'),
      ],
      {
        width: 12,
        help: 'All routes. Quantiles are estimated from buckets.',
        steps: worseAbove(0.25, 0.5),
        runbook: 'latency-budget-burn',
      },
    ),
    graph(
      'Share failed by route',
      'percentunit',
      query(errorShare(own, 'method, route'), '{{method}} {{route}}'),
      {
        width: 12,
        help: 'Share of the requests to the route.',
        steps: worseAbove(0.001, 0.01),
        runbook: 'error-budget-burn',
      },
    ),
  );
}
