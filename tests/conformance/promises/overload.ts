import assert from 'node:assert/strict';
import { oncePerTarget } from '../once.ts';
import { observeOverload } from '../overload.ts';
import type { ServicePromise } from '../promise.ts';

const overloadOf = oncePerTarget(observeOverload);

/** Promises under five times the load that the service can serve. Both check the same load. */
export const overload: ServicePromise[] = [
  {
    id: 'sheds',
    name: 'answers what it accepts in time under 5 times the load it can serve, and rejects the rest',
    needs: ['load'],
    async check(target) {
      const { capacity, sent, good, late, refused } = await overloadOf(target);
      const told = `of ${sent} requests, ${good} were answered within a second, ${late} later, ${refused} rejected`;
      assert.ok(refused > 0, `nothing was rejected: ${told}`);
      assert.ok(good > 9 * late, `accepted requests took too long: ${told}`);
      assert.ok(
        good > capacity / 4,
        `too few were served (${Math.round(capacity)} per second can be): ${told}`,
      );
    },
  },
  {
    id: 'probes-under-load',
    name: 'answers its liveness and readiness probes within a second under that load',
    needs: ['load', 'management'],
    async check(target) {
      const { probes } = await overloadOf(target);
      const wrong = probes.filter(({ status, ms }) => status !== 200 || ms > 1_000);
      assert.ok(probes.length > 0, 'no probe was sent');
      assert.deepEqual(wrong, [], `${wrong.length} of ${probes.length} probes failed or took too long`);
    },
  },
];
