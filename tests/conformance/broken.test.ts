import { describe, expect, it } from 'vitest';
import foreign from './fixtures/foreign.description.ts';
import { checkAll, type Result, type ServicePromise } from './promise.ts';
import { promises } from './promises.ts';
import type { Description } from './service.ts';
import { startTarget } from './target.ts';

/** Each of them takes seconds, so all of them run only on request. */
const mayRun = Boolean(process.env.REQUIRE_CONFORMANCE);
const why = mayRun ? '' : ', skipped: REQUIRE_CONFORMANCE=1 is not set';

/** Time limit of a test on a busy machine; milliseconds. */
const minutes = 120_000;

const needsLoad = ({ needs }: ServicePromise) => needs?.includes('load') === true;

/** Returns the results of all promises for the foreign service that breaks one of them. */
async function resultsOf(broken: string): Promise<Result[]> {
  const settings = { ...foreign.command?.settings, BREAK: broken };
  const description = { ...foreign, command: { ...foreign.command, settings } } as Description;
  const target = await startTarget(description);
  target.mayLoad = promises.some((promise) => promise.id === broken && needsLoad(promise));
  try {
    return await checkAll(promises, target);
  } finally {
    await target.close();
  }
}

const idsWith = (outcome: Result['outcome'], results: Result[]) =>
  results.filter((result) => result.outcome === outcome).map(({ id }) => id);

describe('a service that shares nothing with Slipway but its promises', () => {
  it('keeps all of them', async () => {
    const results = await resultsOf('nothing');
    expect(results.filter(({ outcome }) => outcome === 'broken')).toEqual([]);
    expect(idsWith('left out', results)).toEqual(promises.filter(needsLoad).map(({ id }) => id));
  });

  const nameOf = (id: string) => `breaks ${id} and nothing else if it is changed to do that${why}`;
  async function breaksAlone(id: string): Promise<void> {
    const results = await resultsOf(id);
    expect(results.filter(({ outcome }) => outcome === 'broken')).toMatchObject([{ id }]);
  }

  // They mostly wait, so one test need not wait for another.
  for (const { id } of promises.filter((promise) => !needsLoad(promise))) {
    it.skipIf(!mayRun)(nameOf(id), { timeout: minutes, concurrent: true }, () => breaksAlone(id));
  }
  for (const { id } of promises.filter(needsLoad)) {
    it.skipIf(!mayRun)(nameOf(id), { timeout: minutes }, () => breaksAlone(id));
  }
});
