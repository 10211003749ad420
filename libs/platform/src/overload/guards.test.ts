import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { createMetrics } from '../telemetry/metrics.ts';
import { type GuardSet, registerGuards } from './guards.ts';

let app: FastifyInstance;
afterEach(() => app.close());

async function loadWith(which: GuardSet) {
  app = Fastify();
  const guards = await registerGuards(app, createMetrics('sample', '1.0.0'), which);
  guards.shareBy(() => 'ada');
  await app.ready();
  return guards.load();
}

describe('the guards of a service', () => {
  it('report the load of the process, and of the admission queue', async () => {
    expect(await loadWith('all')).toMatchObject({ rejecting: false, waiting: 0, waitMs: 0 });
  });

  it('report the load of the process alone if there is no admission', async () => {
    const load = await loadWith('process');
    expect(load).toMatchObject({ rejecting: false });
    expect(load).not.toHaveProperty('waiting');
  });

  it('report nothing if there are none', async () => {
    expect(await loadWith('none')).toEqual({});
  });
});
