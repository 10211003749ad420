import { StartError } from '@slipway/platform/core/start-error';
import { buildService } from '@slipway/platform/service/service';
import { readSettings } from '@slipway/platform/service/settings';
import { describe, expect, it } from 'vitest';
import { users as definition } from './app.ts';

describe('the start of users', () => {
  const base = {
    STORE_URL: 'sqlite::memory:',
    SERVICE_TOKEN: 'secret-between-services',
    LOG_LEVEL: 'silent',
  };
  const start = (env: Record<string, string>) =>
    buildService(definition, readSettings(definition.settings, { ...base, ...env }));

  it('needs both the e-mail address and the password of the first administrator', async () => {
    const sentence = new StartError('ADMIN_EMAIL and ADMIN_PASSWORD must be set together.');
    await expect(start({ ADMIN_EMAIL: 'a@b.c' })).rejects.toThrow(sentence);
    await expect(start({ ADMIN_PASSWORD: 'long enough' })).rejects.toThrow(sentence);
  });

  it('rejects an e-mail address or a password that a sign-up would reject', () => {
    expect(() =>
      readSettings(definition.settings, { ...base, ADMIN_EMAIL: 'nobody', ADMIN_PASSWORD: 'short' }),
    ).toThrow(/ADMIN_EMAIL.*\n.*ADMIN_PASSWORD/);
  });

  it('names the proxies that are invalid', async () => {
    await expect(start({ TRUSTED_PROXIES: 'loopback, my-gateway' })).rejects.toThrow(
      /^TRUSTED_PROXIES .*my-gateway/,
    );
  });
});
