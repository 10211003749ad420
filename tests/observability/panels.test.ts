import { jobs as reportingJobs } from '@slipway/contracts/reporting';
import { logIn, jobs as usersJobs } from '@slipway/contracts/users';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dashboards } from '../../k8s/observability/grafana/dashboards.ts';
import { panelQueries } from '../../k8s/observability/grafana/queries.ts';
import { serviceNames } from '../../scripts/system.ts';
import { ok } from '../support/http.ts';
import { eventually } from '../support/people.ts';
import { freePort } from '../support/ports.ts';
import { startSystem } from '../support/system.ts';
import { managementOf, startPrometheus } from './chain.ts';
import { writeConfig } from './config.ts';
import { skipped } from './containers.ts';
import { walkJourney } from './journey.ts';
import { type Prometheus, prometheusAt } from './prometheus.ts';

const queries = panelQueries(dashboards, { rateInterval: '5m', range: '5m' });

/** Nobody listens there: the services do without a collector, and Prometheus without an Alertmanager. */
const nowhere = '127.0.0.1:9';

/** Returns the number of series with a current value, as a Grafana panel would draw them. */
async function seriesShown(prometheus: Prometheus, expr: string): Promise<number> {
  const samples = await prometheus.query(expr);
  return samples.filter(({ value }) => Number.isFinite(value)).length;
}

describe.skipIf(skipped)(`the panels${skipped}`, () => {
  const stops: (() => unknown)[] = [];
  let prometheus: Prometheus;

  beforeAll(async () => {
    const collector = { OTEL_EXPORTER_ZIPKIN_ENDPOINT: `http://${nowhere}/api/v2/spans` };
    const system = await startSystem({ env: { OTEL_TRACES_EXPORTER: 'zipkin', ...collector } });
    stops.push(system.stop);
    const services = managementOf(system);
    const config = writeConfig({ services, alertmanager: nowhere, webhook: `http://${nowhere}` });
    stops.push(config.remove);
    const container = await startPrometheus(config.prometheus, await freePort());
    stops.push(container.remove);
    prometheus = prometheusAt(container.address);
    await eventually(
      'all are read',
      async () => (await prometheus.value('count(service_ready == 1)')) === serviceNames.length,
      60_000,
    );
    // The series of a call begin with the first call, and a rate needs two values.
    const { accessToken: token } = await ok(system.base, logIn, { body: system.admin });
    await eventually('the first call was read', () =>
      prometheus.value('sum(dependency_call_duration_seconds_count{service="gateway"})'),
    );
    await walkJourney(system);
    await eventually('what the journey did was read', () =>
      prometheus.value('sum(increase(billing_invoices_issued_total[5m]))'),
    );
    // The jobs of these services have run before the first scrape, and run next in an hour.
    await ok(system.base, usersJobs.runJob, { params: { job: 'session-cleanup' } }, { token });
    await ok(system.base, reportingJobs.runJob, { params: { job: 'figures-check' } }, { token });
  }, 240_000);
  afterAll(async () => {
    for (const stop of stops.reverse()) await stop();
  }, 60_000);

  it.each(queries)('$dashboard, "$panel": $expr', async ({ expr }) => {
    // Recording rules that build on others take some evaluations.
    await eventually(`series of ${expr}`, () => seriesShown(prometheus, expr));
  });

  it.each([
    'sum by (service) (service_redy)',
    'sum by (service) (service_ready{service="user"})',
    'sum(rate(users_sign_ins_total{outcome="success"}[2m]))',
    'sum(rate(billing_payments_total[2m])) / sum(rate(billing_payments_totl[2m]))',
  ])('would show nothing, were one misspelled: %s', async (expr) => {
    expect(await seriesShown(prometheus, expr)).toBe(0);
  });

  it('would not be drawn, were one no PromQL', async () => {
    await expect(seriesShown(prometheus, 'sum by (service (service_ready)')).rejects.toThrow('parse error');
  });
});
