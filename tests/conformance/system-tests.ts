import { operations } from '@slipway/contracts/operations';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServiceName, serviceNames } from '../../scripts/system.ts';
import { checkPromise, type ServicePromise } from './promise.ts';
import { type DescribedSystem, describeSystem } from './slipway.ts';
import { startTarget, type Target } from './target.ts';

/** Whether a service has an operation that declares idempotency. The gateway forwards those of all services. */
function hasIdempotency(service: ServiceName): boolean {
  const own = service === 'gateway' ? Object.values(operations).flat() : operations[service];
  return own.some(({ config }) => config.idempotency === 'required');
}

/** Time limit of a promise, some of which are observed several times on a busy machine; milliseconds. */
const minute = 60_000;

/** Defines a test for each promise and each service of this system, with a process of the service for its tests. */
export function testServices(promises: readonly ServicePromise[]): void {
  let system: DescribedSystem;
  beforeAll(async () => {
    system = await describeSystem();
  });
  afterAll(() => system?.stop());

  describe.each(serviceNames)('%s', (service) => {
    let target: Target;
    beforeAll(async () => {
      const description = system.descriptions.find((each) => each.name === service);
      if (!description) throw new Error(`tests/conformance/slipway.ts does not describe ${service}`);
      target = await startTarget(description);
      target.mayLoad = true;
    });
    afterAll(() => target?.close());

    const applies = promises.filter(
      ({ needs }) => !(needs?.includes('idempotent') && !hasIdempotency(service)),
    );
    for (const promise of applies) {
      const { id, name } = promise;
      it(name, { timeout: minute }, async () => {
        expect(await checkPromise(promise, target)).toEqual({ id, name, outcome: 'kept' });
      });
    }
  });
}
