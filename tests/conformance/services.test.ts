import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkPromise } from './promise.ts';
import { promises } from './promises.ts';
import { type DescribedSystem, described, describeSystem } from './slipway.ts';
import { startTarget, type Target } from './target.ts';

/** The promises about overload need a machine of their own, so they run only on request. */
const mayLoad = process.env.REQUIRE_CONFORMANCE === 'load';
const why = mayLoad ? '' : ', skipped: REQUIRE_CONFORMANCE=load is not set';

/** Services without an operation that declares idempotency. */
const withoutIdempotency = ['users', 'reporting'];

describe('a service of this system', () => {
  let system: DescribedSystem;
  beforeAll(async () => {
    system = await describeSystem();
  });
  afterAll(() => system.stop());

  describe.each(described)('%s', (service) => {
    let target: Target;
    beforeAll(async () => {
      const description = system.descriptions.find((each) => each.name === service);
      if (!description) throw new Error(`tests/conformance/slipway.ts does not describe ${service}`);
      target = await startTarget(description);
      target.mayLoad = mayLoad;
    });
    afterAll(() => target?.close());

    const applies = promises.filter(
      ({ needs }) => !(needs?.includes('idempotent') && withoutIdempotency.includes(service)),
    );
    for (const promise of applies) {
      const needsLoad = promise.needs?.includes('load');
      it.skipIf(needsLoad && !mayLoad)(`${promise.name}${needsLoad ? why : ''}`, async () => {
        const { id, name } = promise;
        expect(await checkPromise(promise, target)).toEqual({ id, name, outcome: 'kept' });
      });
    }
  });
});
