import { rebuild } from '@slipway/contracts/reporting';
import { logIn } from '@slipway/contracts/users';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dashboards } from '../../k8s/observability/grafana/dashboards.ts';
import { panelQueries } from '../../k8s/observability/grafana/queries.ts';
import { ok } from '../support/http.ts';
import { eventually } from '../support/people.ts';
import { type Chain, startChain } from './chain.ts';
import { withoutDocker } from './containers.ts';
import { walkJourney } from './journey.ts';

const queries = panelQueries(dashboards, { rateInterval: '2m', range: '5m' });

/** What a Grafana panel would draw: how many series have a present value. */
async function seriesShown({ prometheus }: Chain, expr: string): Promise<number> {
  const samples = await prometheus.query(expr);
  return samples.filter(({ value }) => Number.isFinite(value)).length;
}

describe.skipIf(withoutDocker)(`the panels${withoutDocker && ` (skipped: ${withoutDocker})`}`, () => {
  let chain: Chain;
  beforeAll(async () => {
    chain = await startChain();
    const { system, prometheus } = chain;
    await walkJourney(system);
    const { accessToken } = await ok(system.base, logIn, { body: system.admin });
    await ok(system.base, rebuild, {}, { token: accessToken });
    await eventually('what the journey did was scraped', () =>
      prometheus.value('sum(increase(job_runs_total{name="reporting-rebuild"}[5m]))'),
    );
  }, 300_000);
  afterAll(() => chain?.stop(), 60_000);

  it.each(queries)('$dashboard, "$panel": $expr', async ({ expr }) => {
    // Recording rules that build on others take some evaluations.
    await eventually(`series of ${expr}`, () => seriesShown(chain, expr));
  });

  it.each([
    'sum by (service) (service_redy)',
    'sum by (service) (service_ready{service="user"})',
    'sum(rate(users_sign_ins_total{outcome="success"}[2m]))',
    'sum(rate(billing_payments_total[2m])) / sum(rate(billing_payments_totl[2m]))',
  ])('would show nothing, were one misspelled: %s', async (expr) => {
    expect(await seriesShown(chain, expr)).toBe(0);
  });

  it('would not be drawn, were one no PromQL', async () => {
    await expect(seriesShown(chain, 'sum by (service (service_ready)')).rejects.toThrow('parse error');
  });
});
