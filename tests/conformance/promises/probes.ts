import assert from 'node:assert/strict';
import type { ServicePromise } from '../promise.ts';
import type { Target } from '../target.ts';

/** Promises about probes: liveness depends on nothing, readiness only on the service and its store. */
export const probes: ServicePromise[] = [
  {
    id: 'alive',
    name: 'is alive',
    needs: ['management'],
    check: (target) => expectStatus(target, 'alive', 200),
  },
  {
    id: 'started',
    name: 'has started, once it serves',
    needs: ['management'],
    check: (target) => expectStatus(target, 'started', 200),
  },
  {
    id: 'ready',
    name: 'is ready, once it serves',
    needs: ['management'],
    check: (target) => expectStatus(target, 'ready', 200),
  },
  {
    id: 'isolated',
    name: 'is alive, started and ready while the services that it calls are unreachable',
    needs: ['command', 'management', 'isolated'],
    async check(target) {
      const alone = await target.start(target.command.isolated);
      for (const probe of ['alive', 'started', 'ready'] as const) await expectStatus(alone, probe, 200);
    },
  },
];

async function expectStatus(target: Target, probe: 'alive' | 'started' | 'ready', expected: number) {
  const path = target.probes[probe];
  const { status } = await target.probe(path);
  assert.equal(status, expected, `${path} returned ${status}`);
}
