/** The guards of a service, switched off and on by an experiment, under the load that the console sends. */
import { setTimeout as wait } from 'node:timers/promises';
import { workPath } from '@slipway/platform/overload/sample-work';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LoadGenerator } from '../../apps/gateway/src/load/load-generator.ts';
import { startProcess } from '../../scripts/service-process.ts';
import { freePort } from '../support/ports.ts';
import { protectionEnv } from './scene.ts';

const token = 'token-of-the-experiments';
/** Requests a second: at least three times what a process can serve. */
const rate = 750;
/** Seconds after a change until the goodput is measured, and for which it is measured. */
const [settling, measured] = [4, 5];

/** Starts a service of its own in a process, with a load on it. */
async function startLoaded() {
  const [port, management] = [await freePort(), await freePort()];
  const settings = {
    ...{ PORT: String(port), MANAGEMENT_PORT: String(management), LOG_LEVEL: 'silent' },
    ...{ EXPERIMENTS_TOKEN: token, DRAIN_DELAY_MS: '0' },
    ...protectionEnv({ guards: true, budget: true }),
  };
  const main = new URL('./fixtures/shop.ts', import.meta.url);
  const shop = startProcess('shop', main, { ...process.env, ...settings }, () => undefined);
  const load = new LoadGenerator({
    addressOf: () => `http://127.0.0.1:${port}`,
    pathOf: workPath,
    token,
    log: { error: (error: unknown) => expect.fail(String(error)) },
  });
  onTestFinished(async () => {
    load.close();
    shop.kill('SIGKILL');
    await shop.exited;
  });
  await shop.ready;
  await load.start({ service: 'users', requestsPerSecond: rate, seconds: 300 });
  const operate = async (method: string, body?: object) => {
    const response = await fetch(`http://127.0.0.1:${management}/experiment`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      body: body && JSON.stringify(body),
    });
    expect(response.status).toBe(200);
  };
  /** Returns how many requests were answered in time. */
  async function goodput(): Promise<number> {
    await wait(settling * 1_000);
    const before = load.state?.answered ?? 0;
    await wait(measured * 1_000);
    return (load.state?.answered ?? 0) - before;
  }
  return { goodput, operate };
}

describe('a service with more load than it can serve', () => {
  it('serves few in time while its guards are off, and as many as before when they are on again', {
    timeout: 180_000,
  }, async () => {
    const { goodput, operate } = await startLoaded();
    const before = await goodput();
    await operate('PUT', { guards: 'off', seconds: 300 });
    const without = await goodput();
    await operate('DELETE');
    expect(before).toBeGreaterThan(2 * without);
    // It has to read what it has accepted meanwhile, which takes long on a busy machine.
    await expect.poll(goodput, { timeout: 60_000 }).toBeGreaterThan(Math.max(2 * without, before / 2));
  });
});
