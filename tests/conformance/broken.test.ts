import { afterEach, describe, expect, it } from 'vitest';
import foreign from './fixtures/foreign.description.ts';
import { checkAll, type Result } from './promise.ts';
import { promises } from './promises.ts';
import type { Description } from './service.ts';
import { startTarget, type Target } from './target.ts';

/** Each of them takes seconds, so all of them run only on request. */
const mayRun = Boolean(process.env.REQUIRE_CONFORMANCE);
const why = mayRun ? '' : ', skipped: REQUIRE_CONFORMANCE=1 is not set';

/** Time limit of a test on a busy machine; milliseconds. */
const minutes = 120_000;

let targets: Target[] = [];

/** Returns the results of all promises for the foreign service that breaks one of them. */
async function resultsOf(broken: string): Promise<Result[]> {
  const settings = { ...foreign.command?.settings, BREAK: broken };
  const description = { ...foreign, command: { ...foreign.command, settings } } as Description;
  const target = await startTarget(description);
  targets.push(target);
  target.mayLoad = promises.some(({ id, needs }) => id === broken && needs?.includes('load'));
  return checkAll(promises, target);
}

const idsWith = (outcome: Result['outcome'], results: Result[]) =>
  results.filter((result) => result.outcome === outcome).map(({ id }) => id);

describe('a service that shares nothing with Slipway but its promises', () => {
  afterEach(async () => {
    await Promise.all(targets.map((target) => target.close()));
    targets = [];
  });

  it('keeps all of them', async () => {
    const results = await resultsOf('nothing');
    expect(results.filter(({ outcome }) => outcome === 'broken')).toEqual([]);
    const leftOut = promises.filter(({ needs }) => needs?.includes('load')).map(({ id }) => id);
    expect(idsWith('left out', results)).toEqual(leftOut);
  });

  for (const { id } of promises) {
    const name = `breaks ${id} and nothing else if it is changed to do that${why}`;
    it.skipIf(!mayRun)(name, { timeout: minutes }, async () => {
      const results = await resultsOf(id);
      expect(results.filter(({ outcome }) => outcome === 'broken')).toMatchObject([{ id }]);
    });
  }
});
