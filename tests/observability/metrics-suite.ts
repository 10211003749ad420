import { describe, expect, it } from 'vitest';
import { serviceNames } from '../../scripts/system.ts';
import { eventually } from '../support/people.ts';
import { metricsOfServices } from './rules.ts';
import type { Watched } from './watched.ts';

/** Every service is read at a moment of its own, once in 2 s. */
const eachIsRead = { timeout: 10_000, interval: 200 };

/** @param real whether the stores are servers: an embedded one has no connections */
export function metricsSuite(watched: () => Watched, real: boolean): void {
  describe('the metrics in Prometheus', () => {
    it('count the requests that the customers made, by route and status, and no other', async () => {
      const { chain, journey } = watched();
      const counted = async () => {
        const requests = 'http_server_request_duration_seconds_count{service="gateway"}';
        const samples = await chain.prometheus.query(`sum by (method, route, status) (${requests}) > 0`);
        return new Map(samples.map(({ labels, value }) => [nameOf(labels), value]));
      };
      const all = sum(journey.requests);
      await eventually('all requests are scraped', async () => sum(await counted()) >= all);
      expect(await counted()).toEqual(journey.requests);
    });

    it.each([
      // The first administrator is an account, too.
      ['users_signed_up_total', 4],
      ['users_sign_ins_total{outcome="succeeded"}', 4],
      ['users_sign_ins_total{outcome="refused"}', 1],
      ['billing_subscriptions_started_total{plan="starter"}', 3],
      ['sum(billing_subscriptions_started_total)', 3],
      ['billing_usage_records_total{outcome="added"}', 3],
      ['billing_invoices_issued_total', 3],
      ['billing_payments_total{outcome="succeeded"}', 2],
      ['billing_payments_total{outcome="declined"}', 1],
      ['billing_refunds_total{outcome="succeeded"}', 1],
      // It had been due before the system was started for the first time.
      ['job_runs_total{job="billing-cycle", outcome="succeeded"}', 1],
      ['reporting_events_total{outcome="rejected"}', 0],
      ['sum(service_ready)', serviceNames.length],
    ])('say of %s: %d', async (expression, expected) => {
      const { prometheus } = watched().chain;
      await expect.poll(() => prometheus.value(expression), eachIsRead).toBe(expected);
    });

    it('say what was paid, in the minor unit', async () => {
      const { chain, journey } = watched();
      const paid = () => chain.prometheus.value('billing_paid_amount_total{currency="EUR"}');
      await expect.poll(paid, eachIsRead).toBe(journey.paid);
    });

    it('lead from a bucket of the latency to a trace that Zipkin knows', async () => {
      const { prometheus, zipkin } = watched().chain;
      const selector = 'http_server_request_duration_seconds_bucket{service="gateway"}';
      const exemplars = await prometheus.exemplars(selector);
      expect(exemplars.length).toBeGreaterThan(0);
      for (const { labels } of exemplars) {
        const trace = await zipkin.trace(labels.trace_id ?? '');
        expect(trace.map(({ localEndpoint }) => localEndpoint.serviceName)).toContain('gateway');
      }
    });

    it.each(metricsOfServices.filter((name) => real || name !== 'store_connections'))(
      'have %s, which rules read',
      async (name) => {
        expect(await watched().chain.prometheus.value(`count(${name})`)).toBeGreaterThan(0);
      },
    );

    it('raise no alert while all is well', async () => {
      const alerts = await watched().chain.prometheus.alerts();
      // That answers are slow may be true: of the machine that the tests run on.
      expect(alerts.filter(({ labels }) => labels.alertname !== 'LatencyBudgetBurn')).toEqual([]);
    });
  });
}

function nameOf({ method, route, status }: Record<string, string>): string {
  return `${method} ${route} ${status}`;
}

function sum(counts: Map<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}
