import { readSettings } from '@slipway/platform/service/settings';
import { expect, it } from 'vitest';
import { sandboxUrl, settings } from './config.ts';

it.each([
  [{ STORE_URL: 'sqlite:data/billing.db' }, 'sqlite:data/billing.db-sandbox'],
  [{ STORE_URL: 'sqlite::memory:' }, 'sqlite::memory:'],
  [{ STORE_URL: 'mongodb://db/billing' }, 'mongodb://db/billing-sandbox'],
  [
    { STORE_URL: 'mongodb://a:b@c:1,d:2/x?authSource=admin' },
    'mongodb://a:b@c:1,d:2/x-sandbox?authSource=admin',
  ],
  [{ STORE_URL: 'sqlite:a.db', SANDBOX_URL: 'sqlite:b.db' }, 'sqlite:b.db'],
])('the sandbox of %j has its books in %s', (settings, expected) => {
  expect(sandboxUrl(settings)).toBe(expected);
});

it('tells of every address that is none at once', () => {
  const wrong = { STORE_URL: 'mysql://db', USERS_URL: 'users:4001', REPORTING_URL: 'ftp://reporting' };
  const read = () => readSettings(settings, { SERVICE_TOKEN: 'secret-between-services', ...wrong });
  for (const name of Object.keys(wrong)) expect(read).toThrow(name);
});
