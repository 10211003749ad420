import { problem } from '@slipway/contracts/errors';
import { createMetrics } from '@slipway/platform/telemetry/metrics';
import { seriesValue } from '@slipway/platform/testing/metrics';
import { describe, expect, it } from 'vitest';
import { measureUsers, signInOutcome } from './counts.ts';
import { createSigningKeys } from './signing-keys.ts';
import { openStore } from './store/open.ts';
import { cheapPasswords } from './testing/service.ts';

describe('the outcome of an attempt to sign in', () => {
  it.each([
    ['refused', problem('wrong_credentials')],
    ['limited', problem('rate_limited')],
    ['failed', problem('overloaded')],
    ['failed', Object.assign(new Error('a bug'), { code: 'wrong_credentials' })],
    ['failed', undefined],
  ])('is %s for %o', (outcome, error) => {
    expect(signInOutcome(error)).toBe(outcome);
  });
});

describe('the metrics of users', () => {
  async function measured() {
    const metrics = createMetrics('users', 'test');
    const hashes: (() => void)[] = [];
    const derive = () => new Promise<Buffer>((resolve) => hashes.push(() => resolve(Buffer.alloc(32))));
    const passwords = cheapPasswords(derive);
    const keys = createSigningKeys(await openStore('sqlite::memory:'), () => 1_500_000);
    measureUsers(metrics, passwords, keys);
    return { metrics, hashes, passwords, keys };
  }

  it('are the passwords that are being hashed, and those that wait', async () => {
    const { metrics, hashes, passwords } = await measured();
    const load = async () => [
      await seriesValue(metrics, 'users_password_hashes_running'),
      await seriesValue(metrics, 'users_password_hashes_waiting'),
    ];
    expect(await load()).toEqual([0, 0]);
    const all = Array.from({ length: 10 }, () => passwords.hash('storm'));
    await expect.poll(() => hashes.length).toBeGreaterThan(0);
    expect(await load()).toEqual([hashes.length, 10 - hashes.length]);
    await expect.poll(() => hashes.splice(0).map((end) => end()).length).toBe(0);
    await Promise.all(all);
  });

  it('are the creation time of the signing key, in seconds', async () => {
    const { metrics, keys } = await measured();
    await keys.published();
    expect(await seriesValue(metrics, 'signing_key_created_timestamp_seconds')).toBe(1_500);
  });
});
