import { afterEach, describe, expect, it } from 'vitest';
import foreign from './fixtures/foreign.description.ts';
import { checkAll, type Result } from './promise.ts';
import { promises } from './promises.ts';
import type { Description } from './service.ts';
import { startTarget, type Target } from './target.ts';

/** Each of them takes seconds, so all of them run only on request. */
const mayRun = Boolean(process.env.REQUIRE_CONFORMANCE);
/** Those that overload the service need a machine of their own. */
const mayLoad = process.env.REQUIRE_CONFORMANCE === 'load';
const why = mayRun ? '' : ', skipped: REQUIRE_CONFORMANCE=1 is not set';

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

  const reasonFor = (needsLoad: boolean) =>
    needsLoad && mayRun && !mayLoad ? ', skipped: REQUIRE_CONFORMANCE=load is not set' : why;

  for (const { id, needs } of promises) {
    const needsLoad = needs?.includes('load') ?? false;
    it.skipIf(needsLoad ? !mayLoad : !mayRun)(
      `breaks ${id} and nothing else if it is changed to do that${reasonFor(needsLoad)}`,
      async () => {
        const results = await resultsOf(id);
        expect(results.filter(({ outcome }) => outcome === 'broken')).toMatchObject([{ id }]);
      },
    );
  }
});
