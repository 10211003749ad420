import { expect, it } from 'vitest';
import { sandboxUrl } from './config.ts';

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
