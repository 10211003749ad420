import assert from 'node:assert/strict';
import { oncePerTarget } from '../once.ts';
import { observeOverload } from '../overload.ts';
import type { ServicePromise } from '../promise.ts';

const overloadOf = oncePerTarget(observeOverload);

/**
 * Promises under five times the load that the service can serve. Both check the same load. The time limit is a second of
 * a processor: a service that shares its processor with other programs may take up to three.
 */
export const overload: ServicePromise[] = [
  {
    id: 'sheds',
    name: 'answers what it accepts in time under 5 times the load it can serve, and rejects the rest',
    needs: ['load'],
    async check(target) {
      const { capacity, latencies, rejected, failed, limit, processors } = await overloadOf(target);
      const good = latencies.filter((ms) => ms <= limit).length;
      const late = latencies.length - good;
      const share = processors === undefined ? '' : ` with ${processors.toFixed(2)} of a processor`;
      const told = `${good} requests were answered within ${Math.round(limit)} ms${share}, ${late} later; ${rejected} were rejected, ${failed} failed`;
      assert.ok(rejected > 0, `nothing was rejected: ${told}`);
      assert.ok(good > 9 * late, `accepted requests took too long: ${told}`);
      assert.ok(rejected > 9 * failed, `other requests were not rejected, but failed: ${told}`);
      assert.ok(good > capacity / 4, `too few were served (${Math.round(capacity)} can be): ${told}`);
    },
  },
  {
    id: 'probes-under-load',
    name: 'answers its liveness and readiness probes in time under that load',
    needs: ['load', 'management'],
    async check(target) {
      const { probes, limit } = await overloadOf(target);
      const wrong = probes.filter(({ status, ms }) => status !== 200 || ms > limit);
      assert.ok(probes.length > 0, 'no probe was sent');
      assert.deepEqual(wrong, [], `${wrong.length} of ${probes.length} probes failed or took too long`);
    },
  },
];
