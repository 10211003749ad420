/**
 * The journey of some customers, watched by the servers that people watch with. One start for all suites; they run in
 * this order, and the last one breaks something.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingServers } from '../stores/coverage.ts';
import { alertsSuite } from './alerts-suite.ts';
import { type Chain, startChain } from './chain.ts';
import { skipped } from './containers.ts';
import { type Journey, walkJourney } from './journey.ts';
import { metricsSuite } from './metrics-suite.ts';
import { tracesSuite } from './traces-suite.ts';
import { logLines, type Watched } from './watched.ts';

const stores = missingServers(process.env).length === 0 ? 'real' : 'sqlite';

describe.skipIf(skipped)(`what people see of the system (stores: ${stores})${skipped}`, () => {
  let chain: Chain;
  let journey: Journey;
  const watched = (): Watched => ({ chain, journey });

  beforeAll(async () => {
    chain = await startChain({ stores, env: { LOG_LEVEL: 'debug' } });
    journey = await walkJourney(chain.system);
  }, 300_000);
  afterAll(() => chain?.stop(), 60_000);

  // This one first: it counts the requests, and the others make some.
  metricsSuite(watched, stores === 'real');
  tracesSuite(watched, stores === 'real');
  alertsSuite(watched);

  it('shows no password, token, address or name in any span or log line', async () => {
    const spans = JSON.stringify(await chain.zipkin.traces());
    const lines = JSON.stringify(logLines(chain));
    for (const secret of journey.secrets) {
      expect(spans).not.toContain(secret);
      expect(lines).not.toContain(secret);
    }
    // What is looked through is really there.
    expect(spans).toContain('user.signed_up');
    expect(lines).toContain(journey.correlationId);
    expect(lines).toContain('"level":"debug"');
    expect(journey.secrets.length).toBeGreaterThan(25);
  });
});
