/**
 * The journey of some customers, watched by the servers that people watch with. One start for all suites; they run in
 * this order, and the last one breaks something.
 */
import { afterAll, beforeAll, describe } from 'vitest';
import { missingServers } from '../stores/coverage.ts';
import { alertsSuite } from './alerts-suite.ts';
import { type Chain, startChain } from './chain.ts';
import { skipped } from './containers.ts';
import { type Journey, walkJourney } from './journey.ts';
import { metricsSuite } from './metrics-suite.ts';
import { secretsSuite } from './secrets-suite.ts';
import { tracesSuite } from './traces-suite.ts';
import type { Watched } from './watched.ts';

const stores = missingServers(process.env).length === 0 ? 'real' : 'sqlite';

describe.skipIf(skipped)(`what people see of the system (stores: ${stores})${skipped}`, () => {
  let chain: Chain;
  let journey: Journey;
  const watched = (): Watched<Chain> => ({ chain, journey });

  beforeAll(async () => {
    chain = await startChain({ stores, env: { LOG_LEVEL: 'debug' } });
    journey = await walkJourney(chain.system);
  }, 300_000);
  afterAll(() => chain?.stop(), 60_000);

  // This one first: it counts the requests, and the others make some.
  metricsSuite(watched, stores === 'real');
  tracesSuite(watched, stores === 'real');
  alertsSuite(watched);

  secretsSuite(watched, 'debug');
});
