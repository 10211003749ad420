/** The journey in a cluster, watched by the servers there: others may use the system, so figures are differences. */
import { jobs } from '@slipway/contracts/reporting';
import { logIn } from '@slipway/contracts/users';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dashboards } from '../../k8s/observability/grafana/dashboards.ts';
import { panelQueries } from '../../k8s/observability/grafana/queries.ts';
import { serviceNames } from '../../scripts/system.ts';
import { ok, send } from '../support/http.ts';
import { readAdmin, readSecret } from '../support/kubectl.ts';
import { eventually } from '../support/people.ts';
import { watchCluster } from './in-cluster.ts';
import { type Journey, walkJourney } from './journey.ts';
import { secretsSuite } from './secrets-suite.ts';
import { journeyTraces } from './traces-suite.ts';

const { REQUIRE_CLUSTER, SLIPWAY_URL = 'http://localhost:8088' } = process.env;
const needed = 'needs REQUIRE_CLUSTER=1';

/** The amount by which the journey raises each series. */
const added: Record<string, (journey: Journey) => number> = {
  users_signed_up_total: () => 3,
  'users_sign_ins_total{outcome="succeeded"}': () => 4,
  'users_sign_ins_total{outcome="refused"}': () => 1,
  'billing_subscriptions_started_total{plan="starter"}': () => 3,
  'billing_usage_records_total{outcome="added"}': () => 3,
  'billing_payments_total{outcome="succeeded"}': () => 2,
  'billing_payments_total{outcome="declined"}': () => 1,
  'billing_refunds_total{outcome="succeeded"}': () => 1,
  'billing_paid_amount_total{currency="EUR"}': ({ paid }) => paid,
  'http_server_request_duration_seconds_count{service="gateway"}': ({ requests }) =>
    [...requests.values()].reduce((sum, count) => sum + count, 0),
};
const figures = Object.keys(added);

describe.skipIf(!REQUIRE_CLUSTER)(`what people see of the system in a cluster (${needed})`, () => {
  let chain: Awaited<ReturnType<typeof watchCluster>>;
  let journey: Journey;
  let before: number[];

  const read = () =>
    Promise.all(figures.map(async (name) => (await chain.prometheus.value(`sum(${name})`)) ?? 0));

  /** Reads until the values are stable: Prometheus scrapes every pod once in 15 s, so earlier work may be missing. */
  async function readWhenSteady(): Promise<number[]> {
    let last = await read();
    let since = Date.now();
    return eventually(
      'all that was done before is read',
      async () => {
        const now = await read();
        if (now.some((value, n) => value !== last[n])) since = Date.now();
        last = now;
        return Date.now() - since > 20_000 && now;
      },
      90_000,
    );
  }

  beforeAll(async () => {
    chain = await watchCluster();
    // Figures of pods that are no more would go away in between.
    const calm = 'count(count by (service) (service_ready) == 2)';
    const isCalm = async () => (await chain.prometheus.value(calm)) === serviceNames.length;
    await eventually('two pods of each service are read, and no others', isCalm, 60_000);
    const [admin, serviceToken] = [await readAdmin(), await readSecret('service-token')];
    // This job runs after the daily billing cycle, and the emulator of reporting's store may have been restarted since.
    const { accessToken: token } = await ok(SLIPWAY_URL, logIn, { body: admin });
    await send(SLIPWAY_URL, jobs.runJob, { params: { job: 'figures-check' } }, { token });
    before = await readWhenSteady();
    journey = await walkJourney({ base: SLIPWAY_URL, admin, serviceToken });
  }, 240_000);
  afterAll(() => chain?.stop());

  it('counts in Prometheus what the journey did, and nothing else', async () => {
    const expected = Object.fromEntries(Object.entries(added).map(([name, of]) => [name, of(journey)]));
    const difference = async () => {
      const now = await read();
      return Object.fromEntries(figures.map((name, n) => [name, (now[n] ?? 0) - (before[n] ?? 0)]));
    };
    await expect.poll(difference, { timeout: 25_000, interval: 500 }).toEqual(expected);
  });

  journeyTraces(() => ({ chain, journey }), true, true);
  secretsSuite(() => ({ chain, journey }), 'info');

  it('leads from a bucket of the latency to a trace that Zipkin knows', async () => {
    const selector = 'http_server_request_duration_seconds_bucket{service="gateway"}';
    const isKnown = async () => {
      const exemplars = await chain.prometheus.exemplars(selector);
      const newest = exemplars.sort((a, b) => b.at - a.at)[0];
      return (await chain.zipkin.trace(newest?.labels.trace_id ?? '')).length > 0;
    };
    await eventually('the newest exemplar leads to its trace', isKnown, 25_000);
  });

  it('has an Alertmanager, which Prometheus tells', async () => {
    expect(await chain.prometheus.alertmanagers()).toHaveLength(1);
  });

  it.each(panelQueries(dashboards, { rateInterval: '5m', range: '5m' }))(
    'shows data in $dashboard, "$panel": $expr',
    async ({ expr }) => {
      const hasData = async () => (await chain.prometheus.query(expr)).length > 0;
      await eventually(`series of ${expr}`, hasData, 25_000);
    },
  );
});
